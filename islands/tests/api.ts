// A server for tests: it answers each call as the test says, and remembers what was asked.

import { vi } from "vitest";

export interface Asked {
  method: string;
  path: string;
}

export function serve(answers: (asked: Asked) => { status?: number; body: unknown } | Error) {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", async (path: string, { method = "GET" }: RequestInit = {}) => {
    const call = { method, path };
    asked.push(call);
    const answer = answers(call);
    if (answer instanceof Error) throw answer;
    return new Response(JSON.stringify(answer.body), { status: answer.status ?? 200 });
  });
  return asked;
}

export function told(): { level: string; text: string }[] {
  const heard: { level: string; text: string }[] = [];
  document.addEventListener("sz:flash", (event) => heard.push((event as CustomEvent).detail));
  return heard;
}
