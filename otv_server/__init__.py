"""The server of One-Time View: stores ciphertext, hands each link's opening out once, forgets."""
