import { defineConfig } from "vitest/config";

// Everything that these tests cover runs in workers, too, and needs no document.
export default defineConfig({
  test: { environment: "node", include: ["test/**/*.test.ts"] },
});
