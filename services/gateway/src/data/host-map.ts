/** Values by host name: exact names, wildcards ("*.example.com") and one for any host (""). */
export class HostMap<T> {
  readonly exact = new Map<string, T>();
  /** Without the star: ".example.com". */
  readonly wildcards = new Map<string, T>();
  any: T | undefined;

  get(hostname: string): T | undefined {
    if (hostname === "") return this.any;
    return hostname.startsWith("*.") ? this.wildcards.get(hostname.slice(1)) : this.exact.get(hostname);
  }

  set(hostname: string, value: T): void {
    if (hostname === "") this.any = value;
    else if (hostname.startsWith("*.")) this.wildcards.set(hostname.slice(1), value);
    else this.exact.set(hostname, value);
  }

  /** The value of the most specific name that covers `host`; a wildcard stands for one or more labels. */
  find(host: string): T | undefined {
    const exact = this.exact.get(host);
    if (exact !== undefined) return exact;
    if (this.wildcards.size > 0) {
      for (let dot = host.indexOf("."); dot > 0; dot = host.indexOf(".", dot + 1)) {
        const found = this.wildcards.get(host.slice(dot));
        if (found !== undefined) return found;
      }
    }
    return this.any;
  }
}
