export interface BackendPort {
  namespace: string;
  /** Of the Service. */
  name: string;
  /** Of the Service, not of its pods. */
  port: number;
}

/** What the gateway calls a port of a Service: "namespace/name:port". */
export const backendName = ({ namespace, name, port }: BackendPort): string => `${namespace}/${name}:${port}`;

export function parseBackendName(text: string): BackendPort {
  const slash = text.indexOf("/");
  const colon = text.lastIndexOf(":");
  if (slash <= 0 || colon <= slash) throw new TypeError(`"${text}" is no namespace/name:port`);
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1, colon), port: Number(text.slice(colon + 1)) };
}
