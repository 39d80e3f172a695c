import assert from "node:assert/strict";
import { File } from "node:buffer";
import { test } from "node:test";

import { createActions } from "../../ui/shared/actions.js";
import { endingOf, withRandomName } from "../../ui/shared/files.js";
import { sessionState } from "../../ui/shared/session.js";
import { NO_CONNECTION } from "../../ui/shared/wording.js";

globalThis.File ??= File; // Node 18

const STATUS = { version: 0, session: "a", mine: { own: false, examples: [] } };

function actionsOf(answer, upload) {
  const broken = () => Promise.reject(new Error("offline"));
  return createActions({ server: { watch: async () => STATUS, stop: async () => answer, broken }, upload });
}

test("an action that succeeds brings the new status", async () => {
  assert.equal(await actionsOf(STATUS).act("stop"), "");
  assert.equal(sessionState.status, STATUS);
});

test("an action that fails says why", async () => {
  assert.equal(await actionsOf({ error: "Nothing runs." }).act("stop"), "Nothing runs.");
  assert.equal(await actionsOf(null).act("stop"), NO_CONNECTION);
  assert.equal(await actionsOf().act("broken"), NO_CONNECTION);
  assert.equal(await actionsOf({ error: "There is no model." }).saveFile("stop", null, "a.npz"), "There is no model.");
  assert.equal(await actionsOf().saveFile("broken", null, "a.npz"), NO_CONNECTION);
});

test("a file is sent under another name with the same ending, and its path goes to the action", async () => {
  const sent = [];
  const upload = async (file) => {
    sent.push(file.name);
    return { path: "/uploads/x" };
  };
  const paths = [];
  const server = {
    watch: async () => STATUS,
    bring: async ({ path }) => {
      paths.push(path);
      return STATUS;
    },
  };
  const { sendFile } = createActions({ server, upload });
  assert.equal(await sendFile("bring", new File(["x"], "my secret.NPZ")), "");
  assert.match(sent[0], /^[a-z0-9]+\.NPZ$/);
  assert.deepEqual(paths, ["/uploads/x"]);
});

test("a file that cannot be sent says so", async () => {
  const { sendFile } = actionsOf(STATUS, () => Promise.reject(new Error("offline")));
  assert.equal(await sendFile("stop", new File([], "a.npz")), NO_CONNECTION);
  const large = { name: "a.npz", size: 20_100_000 };
  assert.match(await sendFile("stop", large), /too large: 20.1 MB, and at most 20 MB can be sent/);
});

test("names of files", () => {
  assert.deepEqual(["a.npz", "a.b.ZIP", "none", "a.7z", ".zip"].map(endingOf), [".npz", ".ZIP", "", "", ".zip"]);
  const file = new File(["x"], "ada.png", { type: "image/png" });
  assert.notEqual(withRandomName(file).name, withRandomName(file).name);
  assert.equal(withRandomName(file).type, "image/png");
});
