import type { IncomingHttpHeaders } from "node:http";

/** The fields of a request or an answer, as much of them as somebody asks for. Names in lower case. */
export interface HttpHead {
  get(name: string): string | null;
  toHeaders(): Headers;
}

export class NodeHead implements HttpHead {
  readonly #fields: IncomingHttpHeaders;
  #headers: Headers | undefined;

  constructor(fields: IncomingHttpHeaders) {
    this.#fields = fields;
  }

  get(name: string): string | null {
    const value = this.#fields[name];
    return typeof value === "string" ? value : value === undefined ? null : value.join(", ");
  }

  toHeaders(): Headers {
    if (this.#headers !== undefined) return this.#headers;
    const headers = new Headers();
    for (const name in this.#fields) {
      const value = this.#fields[name];
      if (value === undefined || name.charCodeAt(0) === 58 /* ":" */) continue;
      if (typeof value === "string") headers.append(name, value);
      else for (const one of value) headers.append(name, one);
    }
    this.#headers = headers;
    return headers;
  }
}

export const headOf = (headers: Headers): HttpHead => ({
  get: (name) => headers.get(name),
  toHeaders: () => headers,
});
