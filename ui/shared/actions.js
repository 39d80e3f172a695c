// What a tab has the server do for this visitor. Everything here resolves to a sentence that says what went wrong,
// or "".

import { decodeBytes } from "./base64.js";
import { endingOf, saveBlob, tooLarge, withRandomName } from "./files.js";
import { applyStatus } from "./session.js";
import { NO_CONNECTION } from "./wording.js";

/** server, upload: as Gradio hands them to the tab's component. */
export function createActions({ server, upload }) {
  /** Calls one of the server's actions, which answers with the new status. */
  async function act(action, payload = null) {
    const answer = await server[action](payload).catch(() => undefined);
    if (!answer) return NO_CONNECTION;
    if (answer.error) return answer.error;
    applyStatus(answer, server.watch);
    return "";
  }

  /** Downloads the file that an action answers with. */
  async function saveFile(action, payload, name) {
    const answer = await server[action](payload).catch(() => undefined);
    if (!answer?.file) return answer?.error ?? NO_CONNECTION;
    saveBlob(new Blob([decodeBytes(answer.file)]), name);
    return "";
  }

  /** Uploads a file, and calls an action with where it lies, and what else it takes. */
  async function sendFile(action, file, others = {}) {
    const sentence = tooLarge(file.size); // sent anyway, Gradio would say so too, in a second message
    if (sentence) return sentence;
    const sent = await upload(withRandomName(file, endingOf(file.name))).catch(() => undefined);
    return sent ? act(action, { ...others, path: sent.path }) : NO_CONNECTION;
  }

  return { act, saveFile, sendFile };
}
