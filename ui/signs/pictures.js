// The pictures of the visitor's examples. The server names examples by ids, and sends the pictures that a page lacks.

const AT_ONCE = 100; // pictures that are asked for together

/** ask(ids): resolves to the server's answer; onArrival: there are new ones. */
export class Pictures {
  known = new Map(); // by id: 28x28 grey bytes in base64
  #session = null; // whose they are
  #isAsking = false;

  constructor(ask, onArrival) {
    Object.assign(this, { ask, onArrival });
  }

  /** ids: of all examples of a session, in their order. What is not known of them is asked for. */
  async want(session, ids) {
    if (session !== this.#session) this.known = new Map();
    this.#session = session;
    this.wanted = ids;
    for (const id of this.known.keys()) if (!ids.includes(id)) this.known.delete(id);
    if (this.#isAsking) return;
    this.#isAsking = true;
    let missing;
    while ((missing = this.wanted.filter((id) => !this.known.has(id)).slice(0, AT_ONCE)).length > 0) {
      const asked = this.#session;
      const answer = await this.ask(missing).catch(() => undefined);
      if (asked !== this.#session) continue;
      if (!answer?.pictures?.length) break; // they were deleted meanwhile, or there is no connection
      for (const [id, picture] of answer.pictures) this.known.set(id, picture);
      this.onArrival();
    }
    this.#isAsking = false;
  }
}
