// Where the browser stores no key, a reload starts a new session. The browser asks before, where the visitor has
// something to lose.

import { belongings } from "./session.js";
import { visitorKey } from "./visit.js";

addEventListener("beforeunload", (event) => {
  if (visitorKey() === null && belongings().length > 0) event.preventDefault();
});
