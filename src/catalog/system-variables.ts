/**
 * Every system variable: its scope, type, default, and what it accepts.
 *
 * Drivers, tools and dumps read and set dozens of MySQL's variables before they do any work, and one error among them
 * means "can't connect". So the list is generous: what MySQL clients are known to ask for is here, with MySQL's type. A
 * variable is either acted on, or it is kept and given back: harmless, because nothing in it changes data. What would
 * change the meaning of data if ignored is refused where it is set.
 *
 * Values are held as boolean, bigint (integers), string or null; `SELECT @@x` shows a boolean as 1/0, SHOW as ON/OFF.
 */

import { SqlError } from '../../protocol/index.js';
import { findCharacterSet, findCollation, isWireCharacterSet } from './character-sets.js';
import { normalizeSqlMode } from './sql-mode.js';

export type VariableValue = boolean | bigint | string | null;

/** 'both' = a global value that new sessions start from, and one of each session. */
export type VariableScope = 'both' | 'global' | 'session';

export interface SystemVariable {
  /** Lower case. */
  readonly name: string;
  readonly scope: VariableScope;
  readonly kind: 'boolean' | 'integer' | 'text';
  readonly defaultValue: VariableValue;
  readonly isReadOnly: boolean;
  /** Integers are shown as BIGINT UNSIGNED. */
  readonly isUnsigned: boolean;
  /** What is stored for a value that was given; throws 1231 or 1232. */
  readonly accept: (value: VariableValue) => VariableValue;
}

interface Options {
  readonly scope?: VariableScope;
  readonly readOnly?: boolean;
}

const U64_MAX = 18_446_744_073_709_551_615n;

const definitions: SystemVariable[] = [
  // ---- who and where the server is
  text('version', '', { scope: 'global', readOnly: true }),
  text('version_comment', 'Twintide', { scope: 'global', readOnly: true }),
  text('version_compile_os', 'Linux', { scope: 'global', readOnly: true }),
  text('version_compile_machine', 'x86_64', { scope: 'global', readOnly: true }),
  text('license', 'Apache-2.0', { scope: 'global', readOnly: true }),
  text('hostname', '', { scope: 'global', readOnly: true }),
  integer('port', 4002n, 0n, 65_535n, { scope: 'global', readOnly: true }),
  integer('server_id', 0n, 0n, 4_294_967_295n, { scope: 'global', readOnly: true }),
  text('server_uuid', '', { scope: 'global', readOnly: true }),
  text('datadir', '', { scope: 'global', readOnly: true }),
  text('basedir', '', { scope: 'global', readOnly: true }),
  text('pid_file', '', { scope: 'global', readOnly: true }),
  text('socket', '', { scope: 'global', readOnly: true }),
  text('tmpdir', '', { scope: 'global', readOnly: true }),
  integer('protocol_version', 10n, 10n, 10n, { scope: 'global', readOnly: true }),
  text('bind_address', '', { scope: 'global', readOnly: true }),

  // ---- acted on by the session
  boolean('autocommit', true),
  enumeration('transaction_isolation', 'READ-COMMITTED', [
    'READ-UNCOMMITTED',
    'READ-COMMITTED',
    'REPEATABLE-READ',
    'SERIALIZABLE',
  ]),
  boolean('transaction_read_only', false),
  sqlMode(),
  text('time_zone', 'SYSTEM'),
  text('system_time_zone', 'UTC', { scope: 'global', readOnly: true }),
  integer('sql_select_limit', U64_MAX, 0n, U64_MAX),
  integer('max_execution_time', 0n, 0n, 4_294_967_295n),
  integer('wait_timeout', 28_800n, 1n, 31_536_000n),
  integer('interactive_timeout', 28_800n, 1n, 31_536_000n),
  integer('max_allowed_packet', 67_108_864n, 1024n, 1_073_741_824n, { readOnly: true }),
  integer('max_connections', 151n, 1n, 100_000n, { scope: 'global', readOnly: true }),
  integer('max_prepared_stmt_count', 16_382n, 0n, 4_194_304n, { scope: 'global', readOnly: true }),
  integer('rpo_bytes', 0n, 0n, U64_MAX),
  integer('max_series', 10_000_000n, 1n, 1_000_000_000n, { scope: 'global', readOnly: true }),
  integer('timestamp', 0n, 0n, U64_MAX, { scope: 'session', readOnly: true }),
  integer('last_insert_id', 0n, 0n, U64_MAX, { scope: 'session' }),
  integer('warning_count', 0n, 0n, U64_MAX, { scope: 'session', readOnly: true }),
  integer('error_count', 0n, 0n, U64_MAX, { scope: 'session', readOnly: true }),
  integer('pseudo_thread_id', 0n, 0n, U64_MAX, { scope: 'session', readOnly: true }),

  // ---- character sets: text is UTF-8 in both directions whatever these say
  charset('character_set_client', { isOnWire: true }),
  charset('character_set_connection'),
  charset('character_set_results', { isNullable: true, isOnWire: true }),
  charset('character_set_server'),
  charset('character_set_database'),
  text('character_set_filesystem', 'binary'),
  text('character_set_system', 'utf8mb3', { scope: 'global', readOnly: true }),
  text('character_sets_dir', '', { scope: 'global', readOnly: true }),
  collation('collation_connection'),
  collation('collation_server'),
  collation('collation_database'),
  collation('default_collation_for_utf8mb4'),

  // ---- facts that clients ask for
  integer('lower_case_table_names', 0n, 0n, 2n, { scope: 'global', readOnly: true }),
  boolean('lower_case_file_system', false, { scope: 'global', readOnly: true }),
  boolean('performance_schema', false, { scope: 'global', readOnly: true }),
  boolean('local_infile', false, { scope: 'global', readOnly: true }),
  text('secure_file_priv', null, { scope: 'global', readOnly: true }),
  boolean('partial_revokes', false, { scope: 'global', readOnly: true }),
  boolean('read_only', false, { scope: 'global', readOnly: true }),
  boolean('super_read_only', false, { scope: 'global', readOnly: true }),
  boolean('innodb_read_only', false, { scope: 'global', readOnly: true }),
  boolean('offline_mode', false, { scope: 'global', readOnly: true }),
  boolean('log_bin', false, { scope: 'global', readOnly: true }),
  text('binlog_format', 'ROW'),
  text('gtid_mode', 'OFF', { scope: 'global', readOnly: true }),
  text('gtid_executed', '', { scope: 'global', readOnly: true }),
  text('gtid_purged', '', { scope: 'global', readOnly: true }),
  boolean('enforce_gtid_consistency', false, { scope: 'global', readOnly: true }),
  text('have_ssl', 'DISABLED', { scope: 'global', readOnly: true }),
  text('have_openssl', 'DISABLED', { scope: 'global', readOnly: true }),
  text('have_compress', 'YES', { scope: 'global', readOnly: true }),
  text('have_profiling', 'NO', { scope: 'global', readOnly: true }),
  text('have_query_cache', 'NO', { scope: 'global', readOnly: true }),
  text('have_symlink', 'DISABLED', { scope: 'global', readOnly: true }),
  text('tls_version', 'TLSv1.2,TLSv1.3', { scope: 'global', readOnly: true }),
  boolean('require_secure_transport', false, { scope: 'global', readOnly: true }),
  text('init_connect', '', { scope: 'global', readOnly: true }),
  text('default_authentication_plugin', 'caching_sha2_password', {
    scope: 'global',
    readOnly: true,
  }),
  text('authentication_policy', '*,,', { scope: 'global', readOnly: true }),
  boolean('skip_name_resolve', true, { scope: 'global', readOnly: true }),
  boolean('skip_networking', false, { scope: 'global', readOnly: true }),
  integer('query_cache_size', 0n, 0n, 0n, { scope: 'global', readOnly: true }),
  text('query_cache_type', 'OFF', { scope: 'global', readOnly: true }),
  text('plugin_dir', '', { scope: 'global', readOnly: true }),
  boolean('event_scheduler', false, { scope: 'global', readOnly: true }),
  boolean('slow_query_log', false, { scope: 'global', readOnly: true }),
  boolean('general_log', false, { scope: 'global', readOnly: true }),
  boolean('log_bin_trust_function_creators', false, { scope: 'global', readOnly: true }),
  integer('max_user_connections', 0n, 0n, 4_294_967_295n, { scope: 'global', readOnly: true }),
  integer('max_connect_errors', 100n, 1n, U64_MAX, { scope: 'global', readOnly: true }),
  integer('thread_stack', 1_048_576n, 131_072n, U64_MAX, { scope: 'global', readOnly: true }),
  integer('thread_cache_size', 0n, 0n, 16_384n, { scope: 'global', readOnly: true }),
  integer('table_open_cache', 4000n, 1n, 524_288n, { scope: 'global', readOnly: true }),
  integer('table_definition_cache', 2000n, 400n, 524_288n, { scope: 'global', readOnly: true }),
  integer('open_files_limit', 0n, 0n, U64_MAX, { scope: 'global', readOnly: true }),
  integer('back_log', 511n, 1n, 65_535n, { scope: 'global', readOnly: true }),
  integer('connect_timeout', 10n, 2n, 31_536_000n, { scope: 'global', readOnly: true }),
  integer('key_buffer_size', 0n, 0n, U64_MAX, { scope: 'global', readOnly: true }),
  integer('innodb_buffer_pool_size', 0n, 0n, U64_MAX, { scope: 'global', readOnly: true }),
  text('innodb_version', '', { scope: 'global', readOnly: true }),
  boolean('innodb_file_per_table', true, { scope: 'global', readOnly: true }),
  integer('innodb_flush_log_at_trx_commit', 1n, 0n, 2n, { scope: 'global', readOnly: true }),
  integer('sync_binlog', 1n, 0n, 4_294_967_295n, { scope: 'global', readOnly: true }),

  // ---- kept and given back
  integer('auto_increment_increment', 1n, 1n, 65_535n),
  integer('auto_increment_offset', 1n, 1n, 65_535n),
  integer('net_read_timeout', 30n, 1n, 31_536_000n),
  integer('net_write_timeout', 60n, 1n, 31_536_000n),
  integer('net_buffer_length', 16_384n, 1024n, 1_048_576n),
  integer('net_retry_count', 10n, 1n, U64_MAX),
  integer('innodb_lock_wait_timeout', 50n, 1n, 1_073_741_824n),
  integer('lock_wait_timeout', 31_536_000n, 1n, 31_536_000n),
  integer('group_concat_max_len', 1024n, 4n, U64_MAX),
  integer('max_join_size', U64_MAX, 1n, U64_MAX),
  integer('max_sort_length', 1024n, 4n, 8_388_608n),
  integer('max_error_count', 1024n, 0n, 65_535n),
  integer('max_length_for_sort_data', 4096n, 4n, 8_388_608n),
  integer('max_seeks_for_key', U64_MAX, 1n, U64_MAX),
  integer('max_points_in_geometry', 65_536n, 3n, 1_048_576n),
  integer('max_heap_table_size', 16_777_216n, 16_384n, U64_MAX),
  integer('tmp_table_size', 16_777_216n, 1024n, U64_MAX),
  integer('sort_buffer_size', 262_144n, 32_768n, U64_MAX),
  integer('join_buffer_size', 262_144n, 128n, U64_MAX),
  integer('read_buffer_size', 131_072n, 8192n, 2_147_479_552n),
  integer('read_rnd_buffer_size', 262_144n, 1n, 2_147_483_647n),
  integer('bulk_insert_buffer_size', 8_388_608n, 0n, U64_MAX),
  integer('preload_buffer_size', 32_768n, 1024n, 1_073_741_824n),
  integer('query_prealloc_size', 8192n, 8192n, U64_MAX),
  integer('query_alloc_block_size', 8192n, 1024n, 4_294_966_272n),
  integer('range_alloc_block_size', 4096n, 4096n, U64_MAX),
  integer('range_optimizer_max_mem_size', 8_388_608n, 0n, U64_MAX),
  integer('eq_range_index_dive_limit', 200n, 0n, 4_294_967_295n),
  integer('optimizer_prune_level', 1n, 0n, 1n),
  integer('optimizer_search_depth', 62n, 0n, 62n),
  integer('cte_max_recursion_depth', 1000n, 0n, 4_294_967_295n),
  integer('default_week_format', 0n, 0n, 7n),
  integer('div_precision_increment', 4n, 0n, 30n),
  integer('long_query_time', 10n, 0n, 31_536_000n),
  integer('min_examined_row_limit', 0n, 0n, U64_MAX),
  integer('information_schema_stats_expiry', 86_400n, 0n, 31_536_000n),
  integer('profiling_history_size', 15n, 0n, 100n),
  integer('regexp_stack_limit', 8_000_000n, 0n, 2_147_483_647n, { scope: 'global' }),
  boolean('sql_auto_is_null', false),
  boolean('sql_safe_updates', false),
  boolean('sql_notes', true),
  boolean('sql_warnings', false),
  boolean('sql_quote_show_create', true),
  boolean('sql_big_selects', true),
  boolean('sql_buffer_result', false),
  boolean('sql_log_bin', true, { scope: 'session' }),
  boolean('sql_log_off', false),
  boolean('sql_generate_invisible_primary_key', false),
  boolean('sql_require_primary_key', false),
  boolean('foreign_key_checks', true),
  boolean('unique_checks', true),
  boolean('profiling', false),
  boolean('big_tables', false),
  boolean('explicit_defaults_for_timestamp', true),
  boolean('time_truncate_fractional', false),
  boolean('low_priority_updates', false),
  boolean('keep_files_on_create', false),
  boolean('old_alter_table', false),
  boolean('new', false),
  boolean('end_markers_in_json', false),
  boolean('updatable_views_with_limit', true),
  boolean('show_old_temporals', false),
  boolean('print_identified_with_as_hex', false),
  boolean('windowing_use_high_precision', true),
  boolean('xa_detach_on_prepare', true),
  enumeration('completion_type', 'NO_CHAIN', ['NO_CHAIN', 'CHAIN', 'RELEASE']),
  text('optimizer_switch', ''),
  text('optimizer_trace', 'enabled=off,one_line=off'),
  text('default_storage_engine', 'TWINTIDE'),
  text('default_tmp_storage_engine', 'TWINTIDE'),
  text('lc_time_names', 'en_US'),
  text('lc_messages', 'en_US'),
  text('block_encryption_mode', 'aes-128-ecb'),
  text(
    'session_track_system_variables',
    'time_zone,autocommit,character_set_client,character_set_results,character_set_connection',
  ),
  boolean('session_track_schema', true),
  boolean('session_track_state_change', false),
  text('session_track_gtids', 'OFF'),
  text('session_track_transaction_info', 'OFF'),
  integer('identity', 0n, 0n, U64_MAX, { scope: 'session' }),
  text('proxy_user', null, { scope: 'session', readOnly: true }),
  text('external_user', null, { scope: 'session', readOnly: true }),
];

/** Older names that clients still use. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['tx_isolation', 'transaction_isolation'],
  ['tx_read_only', 'transaction_read_only'],
]);

const byName: ReadonlyMap<string, SystemVariable> = new Map(
  definitions.map((definition) => [definition.name, definition]),
);

/** In order of name. */
export const SYSTEM_VARIABLES: readonly SystemVariable[] = [...definitions].sort((a, b) =>
  a.name < b.name ? -1 : 1,
);

/** The variable of that name, without case, or of an older name. Throws 1193. */
export function systemVariable(name: string): SystemVariable {
  const lower = name.toLowerCase();
  const variable = byName.get(ALIASES.get(lower) ?? lower);
  if (variable === undefined) throw new SqlError('ER_UNKNOWN_SYSTEM_VARIABLE', { name });
  return variable;
}

/** As SHOW VARIABLES writes it. */
export function variableText(variable: SystemVariable, value: VariableValue): string {
  if (value === null) return '';
  if (variable.kind === 'boolean') return value === true ? 'ON' : 'OFF';
  return String(value);
}

/** 1231, in MySQL's wording. */
export function wrongValue(name: string, value: VariableValue): SqlError {
  const shown =
    value === null ? 'NULL' : value === true ? '1' : value === false ? '0' : String(value);
  return new SqlError('ER_WRONG_VALUE_FOR_VAR', { name, value: shown });
}

// ---- makers of definitions

function define(
  name: string,
  kind: SystemVariable['kind'],
  defaultValue: VariableValue,
  accept: SystemVariable['accept'],
  options: Options,
): SystemVariable {
  return {
    name,
    kind,
    defaultValue,
    accept,
    scope: options.scope ?? 'both',
    isReadOnly: options.readOnly ?? false,
    isUnsigned: kind === 'integer',
  };
}

function boolean(name: string, defaultValue: boolean, options: Options = {}): SystemVariable {
  return define(name, 'boolean', defaultValue, (value) => acceptBoolean(name, value), options);
}

function acceptBoolean(name: string, value: VariableValue): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 1n) return true;
  if (value === 0n) return false;
  if (typeof value === 'string') {
    const upper = value.trim().toUpperCase();
    if (upper === 'ON' || upper === 'TRUE' || upper === '1') return true;
    if (upper === 'OFF' || upper === 'FALSE' || upper === '0') return false;
  }
  throw wrongValue(name, value);
}

/** As in MySQL, an integer outside of the range is moved to its nearer end. */
function integer(
  name: string,
  defaultValue: bigint,
  min: bigint,
  max: bigint,
  options: Options = {},
): SystemVariable {
  const accept = (value: VariableValue): VariableValue => {
    if (typeof value === 'boolean') return value ? 1n : 0n;
    if (typeof value !== 'bigint') throw new SqlError('ER_WRONG_TYPE_FOR_VAR', { name });
    return value < min ? min : value > max ? max : value;
  };
  return define(name, 'integer', defaultValue, accept, options);
}

function text(name: string, defaultValue: string | null, options: Options = {}): SystemVariable {
  const accept = (value: VariableValue): VariableValue => {
    if (value === null) throw wrongValue(name, value);
    return typeof value === 'string'
      ? value
      : value === true
        ? 'ON'
        : value === false
          ? 'OFF'
          : String(value);
  };
  return define(name, 'text', defaultValue, accept, options);
}

/** One of the words, or its number from 0. */
function enumeration(name: string, defaultValue: string, words: readonly string[]): SystemVariable {
  const accept = (value: VariableValue): VariableValue => {
    const word =
      typeof value === 'bigint'
        ? words[Number(value)]
        : words.find((candidate) => candidate === String(value).toUpperCase());
    if (word === undefined) throw wrongValue(name, value);
    return word;
  };
  return define(name, 'text', defaultValue, accept, {});
}

function sqlMode(): SystemVariable {
  const accept = (value: VariableValue): VariableValue => {
    if (typeof value !== 'string') throw wrongValue('sql_mode', value);
    return normalizeSqlMode(value);
  };
  return define(
    'sql_mode',
    'text',
    'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
    accept,
    {},
  );
}

/** `isOnWire`: what clients send or are sent is in it, and so it must be one that needs no conversion. Otherwise it throws 1231, as MySQL does for UTF-16. */
function charset(
  name: string,
  options: { readonly isNullable?: boolean; readonly isOnWire?: boolean } = {},
): SystemVariable {
  const accept = (value: VariableValue): VariableValue => {
    if (value === null && options.isNullable === true) return null;
    if (typeof value !== 'string') throw wrongValue(name, value);
    const found = findCharacterSet(value);
    if (options.isOnWire === true && !isWireCharacterSet(found)) throw wrongValue(name, value);
    return found.name;
  };
  return define(name, 'text', 'utf8mb4', accept, {});
}

function collation(name: string): SystemVariable {
  const accept = (value: VariableValue): VariableValue => {
    if (typeof value !== 'string') throw wrongValue(name, value);
    return findCollation(value).name;
  };
  return define(name, 'text', 'utf8mb4_bin', accept, {});
}
