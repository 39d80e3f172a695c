import js from "@eslint/js";
import globals from "globals";

const GRADIOS = ["element", "server", "upload", "props"]; // arguments that Gradio runs ui/mount.js with

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "max-len": ["error", 120],
      "max-lines": ["error", 350],
      "no-restricted-globals": ["error", "event", "name", "status"], // of window: where a parameter was forgotten
      "no-shadow": "error",
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-use-before-define": ["error", { functions: false, variables: false }], // in the same scope: it would throw
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: ["ui/**/*.js"], languageOptions: { globals: globals.browser } },
  {
    files: ["ui/mount.js"],
    languageOptions: {
      sourceType: "script",
      globals: Object.fromEntries(GRADIOS.map((argument) => [argument, "readonly"])),
    },
  },
  { files: ["tests/scripts/*.mjs"], languageOptions: { globals: globals.node } },
];
