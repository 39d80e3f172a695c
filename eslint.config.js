import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["ui/**/*.js"],
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-const": "error",
      "max-len": ["error", 120],
      "max-lines": ["error", 350],
      "no-restricted-globals": ["error", "event", "name", "status"], // of window: where a parameter was forgotten
    },
  },
  {
    // The body of a function that Gradio makes, with these arguments.
    files: ["ui/mount.js"],
    languageOptions: {
      sourceType: "script",
      globals: Object.fromEntries(["element", "server", "upload", "props"].map((name) => [name, "readonly"])),
    },
  },
  {
    files: ["tests/scripts/*.mjs"],
    languageOptions: { globals: globals.node },
  },
];
