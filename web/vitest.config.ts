import { defineConfig } from "vitest/config";

// Everything that these tests cover runs in workers, too, and needs no document.
export default defineConfig({
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000, // milliseconds: a busy machine is no failure, and pytest has its own limit
    hookTimeout: 120_000,
  },
});
