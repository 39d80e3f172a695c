// A reload starts a new session. The browser asks before, where the visitor has something to lose.

import { belongings } from "./session.js";

addEventListener("beforeunload", (event) => belongings().length > 0 && event.preventDefault());
