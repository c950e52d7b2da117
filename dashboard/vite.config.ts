/** How the page is built, served while it is being written, and tested. */
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where the API answers while `npm run dev` serves the page. */
const API_ORIGIN = process.env.API_ORIGIN ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "dist",
    // The Content-Security-Policy allows no inline script and no inline style: everything is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ["chrome123", "edge123", "firefox120", "safari17.5"],
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/v1": { target: API_ORIGIN },
      "/ws": { target: API_ORIGIN, ws: true },
    },
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});
