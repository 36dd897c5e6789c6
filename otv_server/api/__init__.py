"""HTTP: parse, call one service, render. Protocol section 7."""
