import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = join(import.meta.dirname, "..");

/** What a room may import; its own folder is always open to it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: ["lib"],
  stores: ["lib", "stores"],
  features: ["lib", "stores"],
  app: ["lib", "stores", "features", "app"],
};

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) =>
  /\.tsx?$/.test(name),
);

function importsOf(name: string): string[] {
  const text = readFileSync(join(SRC, name), "utf8");
  const found = [...text.matchAll(/from "([^"]+)"/g)].map((match) => match[1] ?? "");
  return found.flatMap((path) => {
    if (path.startsWith("@/")) return [path.slice(2)];
    return path.startsWith(".") ? [relative(SRC, join(SRC, name, "..", path))] : [];
  });
}

function allowed(name: string, path: string): boolean {
  const [room = "", feature] = name.split("/");
  const [from = "", other] = path.split("/");
  if (from === "features" && room === "features") return other === feature;
  return MAY_IMPORT[room]?.includes(from) ?? false;
}

describe("every file", () => {
  it("imports only from the rooms it may", () => {
    const strays = files.flatMap((name) =>
      importsOf(name)
        .filter((path) => !allowed(name, path))
        .map((path) => `${name} imports ${path}`),
    );
    expect(strays).toEqual([]);
  });

  it("says its subject in its first line, and fits in 250 lines", () => {
    const odd = files.filter((name) => {
      const text = readFileSync(join(SRC, name), "utf8");
      const named = name.includes(".test.") || text.startsWith("/**");
      return !named || text.split("\n").length > 251;
    });
    expect(odd).toEqual([]);
  });
});
