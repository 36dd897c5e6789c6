/** The same worker on primitives in JavaScript, for pages over plain HTTP. */

import { choose } from "./crypto";
import { javaScript } from "./crypto/javascript";
import { listen } from "./front";

choose(javaScript);
listen();
