import { Resolver as DnsClient } from "node:dns/promises";
import { type Clock, hostPort, type Logger, type Random } from "@plinth/kernel";
import type { Endpoint, Resolver } from "../discovery.ts";
import { createFollowedServices } from "../shared/followed-services.ts";
import { keepFollowing } from "../shared/keep-following.ts";
import { registryAway } from "../shared/registry-server.ts";

export interface DnsResolverOptions {
  /** As `parseDnsName` takes it. */
  name: string;
  /** host:port of name servers; absent: those of the system. */
  servers?: readonly string[];
  /** From one look to the next. */
  intervalMs: number;
  logger: Logger;
  clock: Clock;
  random: Random;
}

const lookup = { timeout: 2_000, tries: 2 };

/**
 * Looks names up again and again: who is there is decided by whoever writes the zone. While no name server answers the last
 * known endpoints stay; an answer that a name does not exist is one.
 */
export function createDnsResolver(options: DnsResolverOptions): Resolver {
  const { logger, clock, random, intervalMs } = options;
  const nameOf = parseDnsName(options.name);
  const dns = new DnsClient(lookup);
  if (options.servers && options.servers.length > 0) dns.setServers(options.servers);
  const stopping = new AbortController();
  const ends = new Map<string, AbortController>();
  const followed = createFollowedServices({ clock, graceMs: 0, stopping: stopping.signal, opened, closed });

  function opened(service: string): void {
    const end = new AbortController();
    ends.set(service, end);
    const signal = AbortSignal.any([end.signal, stopping.signal]);
    const follow = async (reached: () => void): Promise<void> => {
      const endpoints = await endpointsOf(dns, nameOf(service));
      followed.found();
      reached();
      followed.publish(service, endpoints);
      await clock.sleep(intervalMs, signal).catch(() => {});
    };
    void keepFollowing({ follow, lost: followed.lost, about: { service }, logger, clock, random, stopping: signal });
  }

  function closed(service: string): void {
    ends.get(service)?.abort();
    ends.delete(service);
  }

  return {
    name: "resolver",
    watch: followed.watch,
    async stop() {
      stopping.abort(new Error("stopping"));
      dns.cancel();
    },
  };
}

/** A name to look up: SRV records, or addresses that all listen on one port. */
type DnsName = { srv: string } | { host: string; port: number };

/**
 * "_grpc._tcp.{service}.internal" stands for SRV records (RFC 2782), "{service}.internal:8080" for addresses and a port. Throws
 * with what is wrong.
 */
export function parseDnsName(template: string): (service: string) => DnsName {
  if (!template.includes("{service}")) throw new Error('PLINTH_DISCOVERY_DNS must contain "{service}"');
  const fill = (text: string, service: string): string => text.replaceAll("{service}", service);
  if (template.startsWith("_")) return (service) => ({ srv: fill(template, service) });
  const match = /^([^:]+):(\d{1,5})$/.exec(template);
  if (!match || Number(match[2]) < 1 || Number(match[2]) > 65_535)
    throw new Error('PLINTH_DISCOVERY_DNS must be an SRV name that begins with "_", or "name:port"');
  return (service) => ({ host: fill(match[1] as string, service), port: Number(match[2]) });
}

async function endpointsOf(dns: DnsClient, name: DnsName): Promise<Endpoint[]> {
  if ("host" in name) return (await addressesOf(dns, name.host)).map((host) => endpointAt(host, name.port));
  const records = await answered(dns.resolveSrv(name.srv));
  const found = await Promise.all(
    records.map(async (record) => (await addressesOf(dns, record.name)).map((host) => endpointAt(host, record.port))),
  );
  return found.flat();
}

/** IPv4 where there is any, else IPv6: one instance is not to look like two. */
async function addressesOf(dns: DnsClient, name: string): Promise<string[]> {
  const found = await answered(dns.resolve4(name));
  return found.length > 0 ? found : answered(dns.resolve6(name));
}

const endpointAt = (host: string, port: number): Endpoint => ({
  instanceId: hostPort(host, port),
  host,
  port,
  draining: false,
});

/** No such name and no such record are answers; what else is wrong says nothing about the service. */
async function answered<T>(asking: Promise<T[]>): Promise<T[]> {
  try {
    return await asking;
  } catch (err) {
    if (["ENOTFOUND", "ENODATA"].includes((err as { code?: string }).code ?? "")) return [];
    throw registryAway("no name server answers", err);
  }
}
