/** A placeholder until the views are wired. */

import { render } from "preact";

const root = document.getElementById("app");
if (root) render(<h1>One-Time View</h1>, root);
