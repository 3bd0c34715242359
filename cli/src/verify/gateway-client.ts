/** What the gateway answered to a Connect call in JSON, success or not. */
export interface GatewayAnswer {
  status: number;
  /** Connect's code name, for example "permission_denied"; undefined when the call succeeded. */
  code: string | undefined;
  body: Record<string, unknown>;
  requestId: string | undefined;
}

/** Calls a method as any outsider would: plain HTTP and JSON. */
export type GatewayCall = (method: string, message: object, accessToken?: string) => Promise<GatewayAnswer>;

const callTimeoutMs = 30_000;

export function gatewayCall(baseUrl: string): GatewayCall {
  return async (method, message, accessToken) => {
    const response = await fetch(`${baseUrl}/${method}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "connect-protocol-version": "1",
        ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
      },
      body: JSON.stringify(message),
      signal: AbortSignal.timeout(callTimeoutMs),
    });
    const text = await response.text();
    const body = parse(text);
    return {
      status: response.status,
      code: response.ok ? undefined : String(body["code"] ?? `http_${response.status}`),
      body,
      requestId: response.headers.get("x-request-id") ?? undefined,
    };
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { message: text.slice(0, 200) };
  }
}
