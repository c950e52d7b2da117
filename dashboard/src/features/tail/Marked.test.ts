import fc from "fast-check";
import { expect, it } from "vitest";
import { split } from "./Marked";

it("loses no character, and every odd part is a match", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1, maxLength: 3 }), (text, wanted) => {
      const parts = split(text, wanted);
      expect(parts.join("")).toBe(text);
      for (const [i, part] of parts.entries()) {
        if (i % 2 === 1) expect(part.toLowerCase()).toBe(wanted.toLowerCase());
      }
    }),
  );
});

it("finds whatever the case", () => {
  expect(split("Parse the parser", "PARSE")).toEqual(["", "Parse", " the ", "parse", "r"]);
});
