/** Terminal output as the plain text it left on the screen. */

// CSI sequences (colours, cursor), OSC sequences (titles, links), then two-character escapes.
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it removes
  /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\-_]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it removes
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const ANY_CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f]/;

/** `text` without colour codes; `x\b` is rubbed out, and a lone carriage return starts its line anew. */
export function plainText(text: string): string {
  if (!ANY_CONTROL.test(text)) return text;
  return text.replace(ESCAPES, "").replace(/\r\n/g, "\n").split("\n").map(lineLeft).join("\n");
}

/** What is left of one line after everything that was written over it. */
function lineLeft(line: string): string {
  const written = line.replace(/\r+$/, "");
  return rubbedOut(written.slice(written.lastIndexOf("\r") + 1)).replace(CONTROLS, "");
}

function rubbedOut(line: string): string {
  if (!line.includes("\b")) return line;
  const kept: string[] = [];
  for (const char of line) {
    if (char === "\b") kept.pop();
    else kept.push(char);
  }
  return kept.join("");
}
