// A photo on its way to the server and back: the latest one counts, and what is on the screen stays until there is
// something new to show.

import { tooLarge, withRandomName } from "../shared/files.js";
import { sessionState } from "../shared/session.js";
import { within } from "../shared/within.js";

const TIMEOUT = 60_000; // milliseconds after which a reading counts as lost

/**
 * server, upload: as Gradio hands them over.
 * onBegin(sentence, file): something is under way, with a file or null; onStep(sentence): it goes on; onEnd: it ended.
 * onAnswer(answer, readAgain): a reading; readAgain(quarters) reads the photo once more, turned so far clockwise, and
 * as it then stands: otherwise the reader turns what makes no sense upright.
 * onTrouble(sentence, tryAgain): there is none; tryAgain where the same may succeed later, else null.
 *
 * Returns {readFile(file), readExample(name), forget()}.
 */
export function createPhotoRequests({ server, upload, onBegin, onStep, onEnd, onAnswer, onTrouble }) {
  let latest = 0; // number of the latest request; answers to earlier ones are not shown

  function begin(sentence, file) {
    onBegin(sentence, file);
    return ++latest;
  }

  async function readFile(file, turns = null) {
    const sentence = tooLarge(file.size);
    if (sentence) return onTrouble(sentence, null);
    const number = begin("Sending the photo\u2026", file);
    const sent = await upload(withRandomName(file)).catch(() => undefined);
    if (number !== latest) return;
    const readTurned = (anew) => readFile(file, anew);
    if (!sent) return lose(() => readTurned(turns));
    await read(number, { path: sent.path }, turns, readTurned);
  }

  function readExample(name, turns = null) {
    return read(begin("", null), { example: name }, turns, (anew) => readExample(name, anew));
  }

  /**
   * photo: {path} or {example}; turns: quarters clockwise, or null where that is left to the reader;
   * readTurned(turns): does the same again.
   */
  async function read(number, photo, turns, readTurned) {
    onStep("Reading\u2026");
    const wanted = turns === null ? {} : { turns };
    const answering = server.read({ ...photo, ...wanted, network: sessionState.network });
    const answer = await within(TIMEOUT, answering);
    if (number !== latest) return;
    // undefined: no connection or no answer in time; null: the server failed
    if (!answer) return lose(() => readTurned(turns));
    onEnd();
    if (answer.error) onTrouble(answer.error, null);
    else onAnswer(answer, (quarters) => readTurned(quarters === null ? turns : ((turns ?? 0) + quarters) % 4));
  }

  function lose(tryAgain) {
    onEnd();
    onTrouble("There is no connection. Your photo is still here.", tryAgain);
  }

  return {
    readFile: (file) => readFile(file),
    readExample: (name) => readExample(name),
    /** What is under way is not shown any more. */
    forget() {
      latest += 1;
      onEnd();
    },
  };
}
