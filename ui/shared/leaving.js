// Where the browser stores no key, a reload starts a new session. The browser asks before, where the visitor has
// something to lose.

import { belongings } from "./session.js";
import { storedKey } from "./visit.js";

addEventListener("beforeunload", (event) => {
  if (storedKey() === null && belongings().length > 0) event.preventDefault();
});
