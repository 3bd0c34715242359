import { run } from "./program.ts";

/** What curl got. */
export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** A unary call in JSON with curl, as anybody outside would make it. */
export async function curl(url: string, message: object, token?: string): Promise<Answer> {
  const authorization = token === undefined ? [] : ["-H", `authorization: Bearer ${token}`];
  const text = await run("curl", [
    ...["-sS", "--max-time", "60", "-w", "\n%{http_code}"],
    ...["-H", "content-type: application/json", ...authorization, "-d", JSON.stringify(message), url],
  ]);
  const at = text.lastIndexOf("\n");
  return { status: Number(text.slice(at + 1)), body: parse(text.slice(0, at)) };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}

/** Signs in; the access token. */
export async function signIn(url: string, account: { email: string; password: string }): Promise<string> {
  const { status, body } = await curl(`${url}/plinth.auth.v1.AuthService/Login`, {
    email: account.email,
    password: account.password,
  });
  if (status !== 200) throw new Error(`sign-in answered ${status}: ${JSON.stringify(body)}`);
  return body["accessToken"] as string;
}
