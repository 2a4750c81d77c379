/**
 * From greeting to OK, as a pure step machine: a state and a packet go in, the next state and what to do come out.
 *
 *   response --right--> welcome          response --wrong--> refuse
 *   response --a plugin we lack--> send AuthSwitchRequest --> switched --right/wrong--> welcome/refuse
 *
 * No socket, clock or random number is touched here; the shell (connection.ts) performs the effects, opens the session and
 * chooses the database. COM_CHANGE_USER enters by its own door and runs through the same states.
 *
 * Which plugin a response belongs to is told by its length first (20 native, 32 caching_sha2), by its name second: MariaDB's drivers answer
 * our caching_sha2 greeting with native responses, mysqljs without any plugin name, and both are right if the digest is stored.
 * An unknown user takes the way of a wrong password, AuthSwitch included, so that names can't be probed.
 */

import {
  CACHING_SHA2_PLUGIN,
  CACHING_SHA2_RESPONSE_BYTES,
  FAST_AUTH_SUCCESS,
  checkCachingSha2,
} from './auth-caching-sha2.js';
import {
  NATIVE_PASSWORD_PLUGIN,
  NATIVE_RESPONSE_BYTES,
  checkNativePassword,
} from './auth-native-password.js';
import { authSwitchPayload, parseChangeUser, parseHandshakeResponse } from './handshake-packets.js';
import type { ClientIdentity } from './handshake-packets.js';
import type { AccountVerifier } from './session-handler.js';
import { isSqlError, SqlError } from './sql-error.js';

export type ConnectionPhaseState =
  /** The greeting is sent. */
  | { readonly kind: 'awaitingResponse' }
  /** An AuthSwitchRequest is sent; the next packet is a bare response of `plugin`. */
  | {
      readonly kind: 'awaitingSwitched';
      readonly identity: ClientIdentity;
      readonly plugin: PluginName;
    }
  | { readonly kind: 'ended' };

export type ConnectionPhaseEffect =
  | { readonly kind: 'send'; readonly payload: Uint8Array }
  /** Authenticated: open a session, choose the database, send OK. */
  | { readonly kind: 'welcome'; readonly identity: ClientIdentity }
  /** Send the error and close. */
  | { readonly kind: 'refuse'; readonly error: SqlError };

export interface ConnectionPhaseContext {
  readonly salt: Uint8Array;
  /** Address of the client, for the account lookup and the error text. */
  readonly host: string;
  /** No password is asked: the listener is guarded by other means. */
  readonly isOperator: boolean;
  readonly verifier: (user: string, host: string) => AccountVerifier | null;
}

export interface ConnectionPhaseStep {
  readonly state: ConnectionPhaseState;
  readonly effects: readonly ConnectionPhaseEffect[];
}

type PluginName = typeof CACHING_SHA2_PLUGIN | typeof NATIVE_PASSWORD_PLUGIN;

export const CONNECTION_PHASE_START: ConnectionPhaseState = { kind: 'awaitingResponse' };

/** Digests that no password has: unknown users are checked against them. */
const NOBODY: AccountVerifier = {
  nativeHash: new Uint8Array(NATIVE_RESPONSE_BYTES),
  cachingSha2: new Uint8Array(CACHING_SHA2_RESPONSE_BYTES),
};

/** A packet arrived. Requires: the state is not 'ended'. Never throws. */
export function stepConnectionPhase(
  state: ConnectionPhaseState,
  payload: Uint8Array,
  context: ConnectionPhaseContext,
): ConnectionPhaseStep {
  return guarded(() => {
    if (state.kind === 'awaitingResponse') {
      return checkFirst(parseHandshakeResponse(payload), context);
    }
    if (state.kind === 'awaitingSwitched') {
      return checkSwitched(state.identity, state.plugin, payload, context);
    }
    return refuse(new SqlError('ER_HANDSHAKE_ERROR'));
  });
}

/** COM_CHANGE_USER arrived in the command phase. `previous` is the identity that was welcomed last. Never throws. */
export function stepChangeUser(
  payload: Uint8Array,
  previous: ClientIdentity,
  context: ConnectionPhaseContext,
): ConnectionPhaseStep {
  return guarded(() => checkFirst(parseChangeUser(payload, previous), context));
}

function guarded(step: () => ConnectionPhaseStep): ConnectionPhaseStep {
  try {
    return step();
  } catch (error) {
    if (isSqlError(error)) return refuse(error);
    throw error;
  }
}

function checkFirst(
  identity: ClientIdentity,
  context: ConnectionPhaseContext,
): ConnectionPhaseStep {
  if (context.isOperator) return welcome(identity);
  const account = context.verifier(identity.user, context.host) ?? NOBODY;
  const response = identity.authResponse;
  if (isEmptyResponse(response) && (account.passwordless === true || !isForeign(identity.plugin))) {
    return account.passwordless === true
      ? welcome(identity)
      : accessDenied(identity, context, false);
  }
  if (account.passwordless === true) return accessDenied(identity, context, true);

  if (!isForeign(identity.plugin)) {
    const answer = checkByLength(account, response, context.salt);
    if (answer === 'rightNative') return welcome(identity);
    if (answer === 'rightSha2') return welcome(identity, FAST_AUTH_SUCCESS);
    if (answer === 'wrong') return accessDenied(identity, context, true);
  }
  // The response is of a plugin that this account can't be checked with: ask for one it can.
  if (identity.plugin === null) return refuse(new SqlError('ER_NOT_SUPPORTED_AUTH_MODE'));
  const plugin = account.cachingSha2 === null ? NATIVE_PASSWORD_PLUGIN : CACHING_SHA2_PLUGIN;
  if (plugin === identity.plugin) return accessDenied(identity, context, true);
  return {
    state: { kind: 'awaitingSwitched', identity, plugin },
    effects: [{ kind: 'send', payload: authSwitchPayload(plugin, context.salt) }],
  };
}

function checkSwitched(
  identity: ClientIdentity,
  plugin: PluginName,
  response: Uint8Array,
  context: ConnectionPhaseContext,
): ConnectionPhaseStep {
  const account = context.verifier(identity.user, context.host) ?? NOBODY;
  if (isEmptyResponse(response)) {
    return account.passwordless === true
      ? welcome(identity)
      : accessDenied(identity, context, false);
  }
  if (plugin === CACHING_SHA2_PLUGIN) {
    const right =
      account.cachingSha2 !== null && checkCachingSha2(account.cachingSha2, context.salt, response);
    return right ? welcome(identity, FAST_AUTH_SUCCESS) : accessDenied(identity, context, true);
  }
  const right =
    account.nativeHash !== null && checkNativePassword(account.nativeHash, context.salt, response);
  return right ? welcome(identity) : accessDenied(identity, context, true);
}

function checkByLength(
  account: AccountVerifier,
  response: Uint8Array,
  salt: Uint8Array,
): 'rightNative' | 'rightSha2' | 'wrong' | 'notCheckable' {
  if (response.length === NATIVE_RESPONSE_BYTES && account.nativeHash !== null) {
    return checkNativePassword(account.nativeHash, salt, response) ? 'rightNative' : 'wrong';
  }
  if (response.length === CACHING_SHA2_RESPONSE_BYTES && account.cachingSha2 !== null) {
    return checkCachingSha2(account.cachingSha2, salt, response) ? 'rightSha2' : 'wrong';
  }
  return 'notCheckable';
}

/** Clients without a password send nothing, or a single zero. */
function isEmptyResponse(response: Uint8Array): boolean {
  return response.length === 0 || (response.length === 1 && response[0] === 0);
}

/** A plugin that is neither of ours. '' counts as unnamed. */
function isForeign(plugin: string | null): boolean {
  return (
    plugin !== null &&
    plugin !== '' &&
    plugin !== CACHING_SHA2_PLUGIN &&
    plugin !== NATIVE_PASSWORD_PLUGIN
  );
}

function welcome(identity: ClientIdentity, first?: Uint8Array): ConnectionPhaseStep {
  const effects: ConnectionPhaseEffect[] = [{ kind: 'welcome', identity }];
  if (first !== undefined) effects.unshift({ kind: 'send', payload: first });
  return { state: { kind: 'ended' }, effects };
}

function refuse(error: SqlError): ConnectionPhaseStep {
  return { state: { kind: 'ended' }, effects: [{ kind: 'refuse', error }] };
}

function accessDenied(
  identity: ClientIdentity,
  context: ConnectionPhaseContext,
  withPassword: boolean,
): ConnectionPhaseStep {
  return refuse(
    new SqlError('ER_ACCESS_DENIED_ERROR', {
      user: identity.user,
      host: context.host,
      usingPassword: withPassword ? 'YES' : 'NO',
    }),
  );
}
