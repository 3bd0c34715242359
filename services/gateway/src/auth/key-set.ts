import type { Clock, Component, Logger } from "@plinth/kernel";
import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
} from "jose";
import { TokenRejected } from "./access-token-verifier.ts";

export interface KeySetOptions {
  /** Fetches auth's JWKS document. */
  fetch: () => Promise<string>;
  clock: Clock;
  logger: Logger;
  /** Default 5 min. */
  refreshMs?: number;
  /** Shortest time between two fetches that unknown key ids cause. Default 5 s. */
  cooldownMs?: number;
}

/** First attempts after a start come quickly: auth may start a moment later. */
const startRetryMs = 1_000;
/** More keys than this is no key set of ours. */
const keysMax = 32;

/**
 * Auth's public keys: fetched in the background, again when a token names an unknown key (with a pause in between),
 * and kept while auth is away.
 */
export class KeySet implements Component {
  readonly name = "access token keys";
  /** Grows when the keys change. */
  generation = 0;
  readonly resolve: JWTVerifyGetKey;
  readonly #options: Required<KeySetOptions>;
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #text = "";
  #fetchedMs: number | undefined;
  #attemptedMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #failing = false;

  constructor(options: KeySetOptions) {
    this.#options = { refreshMs: 300_000, cooldownMs: 5_000, ...options };
    this.resolve = (header, input) => this.#resolve(header, input);
  }

  async start(): Promise<void> {
    void this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Milliseconds since the keys were last confirmed by auth. */
  ageMs(): number | undefined {
    return this.#fetchedMs === undefined ? undefined : this.#options.clock.monotonicMs() - this.#fetchedMs;
  }

  /** Fetches at once, for example because auth has just appeared. One fetch at a time. */
  refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #resolve(header: JWSHeaderParameters | undefined, input: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#keys === undefined) await this.#refreshAfterCooldown();
    if (this.#keys === undefined) throw new TokenRejected("keys-unavailable");
    try {
      return await this.#keys(header as JWSHeaderParameters, input);
    } catch (err) {
      if (!(err instanceof errors.JWKSNoMatchingKey)) throw err;
      await this.#refreshAfterCooldown();
      return this.#keys(header as JWSHeaderParameters, input);
    }
  }

  async #refreshAfterCooldown(): Promise<void> {
    const { clock, cooldownMs } = this.#options;
    if (this.#fetching === undefined && clock.monotonicMs() - this.#attemptedMs < cooldownMs) return;
    await this.refresh();
  }

  async #loop(): Promise<void> {
    await this.refresh();
    if (this.#stopped) return;
    const waitMs = this.#keys === undefined ? startRetryMs : this.#options.refreshMs;
    this.#timer = setTimeout(() => void this.#loop(), waitMs);
    this.#timer.unref();
  }

  async #fetch(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#attemptedMs = clock.monotonicMs();
    try {
      const text = await this.#options.fetch();
      const document = JSON.parse(text) as JSONWebKeySet;
      if (!Array.isArray(document.keys) || document.keys.length === 0 || document.keys.length > keysMax)
        throw new Error(`the JWKS document must hold 1 to ${keysMax} keys`);
      if (text !== this.#text) {
        this.#keys = createLocalJWKSet(document);
        this.#text = text;
        this.generation++;
        logger.info({ keys: document.keys.length }, "access token keys loaded");
      }
      this.#fetchedMs = clock.monotonicMs();
      this.#failing = false;
    } catch (err) {
      // Said once per outage: the next attempts come every second.
      const level = this.#failing ? "debug" : "warn";
      this.#failing = true;
      logger[level]({ err, haveKeys: this.#keys !== undefined }, "access token keys could not be fetched");
    }
  }
}
