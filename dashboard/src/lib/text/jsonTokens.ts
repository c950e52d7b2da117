/** JSON text cut into its kinds of tokens, to be coloured. */

export interface JsonToken {
  readonly kind: "key" | "string" | "number" | "word" | "plain";
  readonly text: string;
  /** Where it begins in the whole. */
  readonly at: number;
}

/** A token more than this long list would only slow the page: the rest comes as one plain token. */
const MAX_TOKENS = 4_000;

const TOKEN =
  /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** The tokens of `json`; joined again they are `json`. */
export function tokensOf(json: string): JsonToken[] {
  const tokens: JsonToken[] = [];
  let from = 0;
  const push = (kind: JsonToken["kind"], text: string) => {
    if (text) tokens.push({ kind, text, at: from });
    from += text.length;
  };
  for (const match of json.matchAll(TOKEN)) {
    if (tokens.length >= MAX_TOKENS) break;
    push("plain", json.slice(from, match.index));
    const [, string, colon, number, word] = match;
    if (string !== undefined) {
      push(colon === undefined ? "string" : "key", string);
      push("plain", colon ?? "");
    } else if (number !== undefined) push("number", number);
    else push("word", word ?? "");
  }
  push("plain", json.slice(from));
  return tokens;
}
