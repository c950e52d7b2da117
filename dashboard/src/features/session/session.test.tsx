// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SignInPage } from "./SignInPage";
import { ticketIn } from "./ticket";

const answers = vi.fn<(path: string, body: unknown) => Response>();

function problem(status: number, detail: string): Response {
  return Response.json({ code: "unauthenticated", title: "Unauthorized", detail }, { status });
}

function show() {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <SignInPage />
    </QueryClientProvider>,
  );
}

beforeEach(() => {
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) =>
    answers(path, JSON.parse(String(init.body))),
  );
});
afterEach(() => {
  cleanup();
  answers.mockReset();
  vi.unstubAllGlobals();
  location.hash = "";
});

describe("signing in", () => {
  it("uses a ticket at once, and takes it out of the address", async () => {
    location.hash = "#ticket=abc";
    answers.mockReturnValue(problem(401, "This link was used already."));
    show();
    expect(location.hash).toBe("");
    expect((await screen.findByRole("alert")).textContent).toContain("This sign-in link was used");
    expect(answers).toHaveBeenCalledExactlyOnceWith("/v1/auth/login", { ticket: "abc" });
  });

  it("says in the server's words why it did not work", async () => {
    answers.mockReturnValue(problem(401, "E-mail or password is wrong."));
    show();
    await userEvent.type(screen.getByLabelText("E-mail"), "a@b.example");
    await userEvent.type(screen.getByLabelText("Password"), "guess{Enter}");
    expect(await screen.findByText("E-mail or password is wrong.")).toBeTruthy();
    expect(answers).toHaveBeenCalledWith("/v1/auth/login", {
      email: "a@b.example",
      password: "guess",
    });
  });
});

it("finds a ticket among other things in the fragment", () => {
  expect(ticketIn("#a=1&ticket=x-y")).toBe("x-y");
  expect(ticketIn("#ticket=")).toBeNull();
  expect(ticketIn("")).toBeNull();
});
