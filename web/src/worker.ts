/** The page's worker, on the primitives of the browser. */

import { listen } from "./front";

listen();
