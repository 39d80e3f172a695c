import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const UI = new URL("../../ui/", import.meta.url);
const NOT_READ = {
  html: [/<(pre|code)[^]*?<\/\1>/g, /\{\{[^]*?\}\}/g],
  js: [/\/\*[^]*?\*\//g, /(?<=^|\s)\/\/.*/gm],
};
const SPOKEN = /(?:aria-label|title|alt|placeholder|data-placeholder|data-look)="([^"]*)"/g;

/** The text of every file of ui/ with this ending, by its name, without what nobody reads. */
function* filesOf(ending) {
  for (const name of readdirSync(UI, { recursive: true }).filter((one) => one.endsWith(`.${ending}`))) {
    const text = readFileSync(new URL(name, UI), "utf8");
    yield [name, NOT_READ[ending].reduce((rest, part) => rest.replace(part, ""), text)];
  }
}

test("words in the page's HTML have curly quotes and apostrophes", () => {
  for (const [name, text] of filesOf("html")) {
    const words = [text.replace(/<[^>]*>/g, ""), ...[...text.matchAll(SPOKEN)].map(([, said]) => said)];
    assert.doesNotMatch(words.join("\n"), /.{0,20}['"].{0,20}/, name);
  }
});

test("sentences in the page's scripts have curly apostrophes", () => {
  for (const [name, text] of filesOf("js")) assert.doesNotMatch(text, /.{0,20}[a-z}]'[a-z].{0,20}/, name);
});
