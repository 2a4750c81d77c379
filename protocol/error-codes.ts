/**
 * Every error that a client of this server can be told, with MySQL's number, SQLSTATE and wording.
 *
 * Clients branch on the number (SQLAlchemy, Grafana, ORMs' migrations) and on the first two characters of the SQLSTATE
 * (both JDBC drivers: 08 makes them leave for the other host, 40 makes them retry), so neither is ever guessed from
 * a message: code throws a name of this table, and the table is the one place that knows the rest.
 *
 * Names are MySQL's own; the few that MySQL lacks stand in the last block. Numbers may repeat where MySQL uses one number
 * for several texts. `{word}` in a template is filled from the arguments of the SqlError; an error may bring
 * a text of its own instead. Frozen: a name never changes its number or state. docs/errors.md lists all of them.
 */

export interface ErrorCode {
  readonly errno: number;
  readonly sqlState: string;
  readonly template: string;
}

function code<const T extends string>(errno: number, sqlState: string, template: T) {
  return Object.freeze({ errno, sqlState, template });
}

export const ERROR_CODES = {
  // Databases, tables, columns
  ER_DB_CREATE_EXISTS: code(1007, 'HY000', "Can't create database '{database}'; database exists"),
  ER_DB_DROP_EXISTS: code(
    1008,
    'HY000',
    "Can't drop database '{database}'; database doesn't exist",
  ),
  ER_NO_DB_ERROR: code(1046, '3D000', 'No database selected'),
  ER_BAD_NULL_ERROR: code(1048, '23000', "Column '{column}' cannot be null"),
  ER_BAD_DB_ERROR: code(1049, '42000', "Unknown database '{database}'"),
  ER_TABLE_EXISTS_ERROR: code(1050, '42S01', "Table '{table}' already exists"),
  ER_BAD_TABLE_ERROR: code(1051, '42S02', "Unknown table '{table}'"),
  ER_NON_UNIQ_ERROR: code(1052, '23000', "Column '{column}' in {clause} is ambiguous"),
  ER_BAD_FIELD_ERROR: code(1054, '42S22', "Unknown column '{column}' in '{clause}'"),
  ER_TOO_LONG_IDENT: code(1059, '42000', "Identifier name '{name}' is too long"),
  ER_DUP_FIELDNAME: code(1060, '42S21', "Duplicate column name '{column}'"),
  ER_DUP_KEYNAME: code(1061, '42000', "Duplicate key name '{key}'"),
  ER_DUP_ENTRY: code(1062, '23000', "Duplicate entry '{value}' for key '{key}'"),
  ER_WRONG_FIELD_SPEC: code(1063, '42000', "Incorrect column specifier for column '{column}'"),
  ER_NONUNIQ_TABLE: code(1066, '42000', "Not unique table/alias: '{table}'"),
  ER_INVALID_DEFAULT: code(1067, '42000', "Invalid default value for '{column}'"),
  ER_MULTIPLE_PRI_KEY: code(1068, '42000', 'Multiple primary key defined'),
  ER_TOO_MANY_KEY_PARTS: code(
    1070,
    '42000',
    'Too many key parts specified; max {max} parts allowed',
  ),
  ER_KEY_COLUMN_DOES_NOT_EXITS: code(1072, '42000', "Key column '{column}' doesn't exist in table"),
  ER_TOO_BIG_FIELDLENGTH: code(
    1074,
    '42000',
    "Column length too big for column '{column}' (max = {max}); use BLOB or TEXT instead",
  ),
  ER_WRONG_AUTO_KEY: code(
    1075,
    '42000',
    'Incorrect table definition; there can be only one auto column and it must be defined as a key',
  ),
  ER_CANT_REMOVE_ALL_FIELDS: code(
    1090,
    '42000',
    "You can't delete all columns with ALTER TABLE; use DROP TABLE instead",
  ),
  ER_CANT_DROP_FIELD_OR_KEY: code(
    1091,
    '42000',
    "Can't DROP '{name}'; check that column/key exists",
  ),
  ER_NO_TABLES_USED: code(1096, 'HY000', 'No tables used'),
  ER_BLOB_CANT_HAVE_DEFAULT: code(
    1101,
    '42000',
    "BLOB, TEXT, GEOMETRY or JSON column '{column}' can't have a default value",
  ),
  ER_WRONG_DB_NAME: code(1102, '42000', "Incorrect database name '{database}'"),
  ER_WRONG_TABLE_NAME: code(1103, '42000', "Incorrect table name '{table}'"),
  ER_UNKNOWN_TABLE: code(1109, '42S02', "Unknown table '{table}' in {clause}"),
  ER_FIELD_SPECIFIED_TWICE: code(1110, '42000', "Column '{column}' specified twice"),
  ER_TABLE_MUST_HAVE_COLUMNS: code(1113, '42000', 'A table must have at least 1 column'),
  ER_UNKNOWN_CHARACTER_SET: code(1115, '42000', "Unknown character set: '{name}'"),
  ER_TOO_MANY_FIELDS: code(1117, 'HY000', 'Too many columns'),
  ER_NO_SUCH_TABLE: code(1146, '42S02', "Table '{database}.{table}' doesn't exist"),
  ER_WRONG_COLUMN_NAME: code(1166, '42000', "Incorrect column name '{column}'"),
  ER_PRIMARY_CANT_HAVE_NULL: code(
    1171,
    '42000',
    'All parts of a PRIMARY KEY must be NOT NULL; if you need NULL in a key, use UNIQUE instead',
  ),
  ER_KEY_DOES_NOT_EXITS: code(1176, '42000', "Key '{key}' doesn't exist in table '{table}'"),
  ER_UNKNOWN_COLLATION: code(1273, 'HY000', "Unknown collation: '{name}'"),
  ER_UNKNOWN_STORAGE_ENGINE: code(1286, '42000', "Unknown storage engine '{name}'"),
  ER_WRONG_OBJECT: code(1347, 'HY000', "'{database}.{table}' is not {kind}"),
  ER_TOO_BIG_SCALE: code(
    1425,
    '42000',
    "Too big scale {scale} specified for column '{column}'. Maximum is {max}.",
  ),
  ER_TOO_BIG_PRECISION: code(
    1426,
    '42000',
    "Too-big precision {precision} specified for '{column}'. Maximum is {max}.",
  ),
  ER_M_BIGGER_THAN_D: code(
    1427,
    '42000',
    "For float(M,D), double(M,D) or decimal(M,D), M must be >= D (column '{column}').",
  ),
  ER_ALTER_OPERATION_NOT_SUPPORTED: code(
    1845,
    '0A000',
    '{operation} is not supported for this operation. Try {remedy}.',
  ),

  // Statements and expressions
  ER_WRONG_FIELD_WITH_GROUP: code(1055, '42000', "'{column}' isn't in GROUP BY"),
  ER_WRONG_GROUP_FIELD: code(1056, '42000', "Can't group on '{column}'"),
  ER_WRONG_VALUE_COUNT: code(1058, '21S01', "Column count doesn't match value count"),
  ER_PARSE_ERROR: code(
    1064,
    '42000',
    "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '{near}' at line {line}",
  ),
  ER_EMPTY_QUERY: code(1065, '42000', 'Query was empty'),
  ER_TOO_BIG_SELECT: code(
    1104,
    '42000',
    'The SELECT would examine more than {max} rows; check your WHERE',
  ),
  ER_INVALID_GROUP_FUNC_USE: code(1111, 'HY000', 'Invalid use of group function'),
  ER_WRONG_VALUE_COUNT_ON_ROW: code(
    1136,
    '21S01',
    "Column count doesn't match value count at row {row}",
  ),
  ER_INVALID_USE_OF_NULL: code(1138, '22004', 'Invalid use of NULL value'),
  ER_REGEXP_ERROR: code(1139, '42000', "Got error '{reason}' from regexp"),
  ER_MIX_OF_GROUP_FUNC_AND_FIELDS: code(
    1140,
    '42000',
    "In aggregated query without GROUP BY, expression #{position} of {clause} contains nonaggregated column '{column}'",
  ),
  ER_NOT_ALLOWED_COMMAND: code(
    1148,
    '42000',
    'The used command is not allowed with this MySQL version',
  ),
  ER_SYNTAX_ERROR: code(
    1149,
    '42000',
    'You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use',
  ),
  ER_TOO_MANY_ROWS: code(1172, '42000', 'Result consisted of more than one row'),
  ER_WRONG_ARGUMENTS: code(1210, 'HY000', 'Incorrect arguments to {what}'),
  ER_WRONG_USAGE: code(1221, 'HY000', 'Incorrect usage of {first} and {second}'),
  ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT: code(
    1222,
    '21000',
    'The used SELECT statements have a different number of columns',
  ),
  ER_CANT_USE_OPTION_HERE: code(1234, '42000', "Incorrect usage/placement of '{option}'"),
  ER_NOT_SUPPORTED_YET: code(
    1235,
    '42000',
    "This version of MySQL doesn't yet support '{feature}'",
  ),
  ER_OPERAND_COLUMNS: code(1241, '21000', 'Operand should contain {count} column(s)'),
  ER_SUBQUERY_NO_1_ROW: code(1242, '21000', 'Subquery returns more than 1 row'),
  ER_ILLEGAL_REFERENCE: code(1247, '42S22', "Reference '{name}' not supported ({reason})"),
  ER_DERIVED_MUST_HAVE_ALIAS: code(1248, '42000', 'Every derived table must have its own alias'),
  ER_TABLENAME_NOT_ALLOWED_HERE: code(
    1250,
    '42000',
    "Table '{table}' from one of the SELECTs cannot be used in {clause}",
  ),
  ER_COLLATION_CHARSET_MISMATCH: code(
    1253,
    '42000',
    "COLLATION '{collation}' is not valid for CHARACTER SET '{charset}'",
  ),
  ER_CANT_AGGREGATE_2COLLATIONS: code(
    1267,
    'HY000',
    "Illegal mix of collations ({left}) and ({right}) for operation '{operation}'",
  ),
  ER_WARN_DEPRECATED_SYNTAX: code(
    1287,
    'HY000',
    "'{old}' is deprecated and will be removed in a future release. Please use {new} instead",
  ),
  ER_NON_UPDATABLE_TABLE: code(
    1288,
    'HY000',
    'The target table {table} of the {operation} is not updatable',
  ),
  ER_SP_DOES_NOT_EXIST: code(1305, '42000', '{kind} {name} does not exist'),
  ER_SP_WRONG_NO_OF_ARGS: code(
    1318,
    '42000',
    'Incorrect number of arguments for {kind} {name}; expected {expected}, got {given}',
  ),
  ER_VIEW_WRONG_LIST: code(
    1353,
    'HY000',
    'In definition of view, derived table or common table expression, SELECT list and column names list have different column counts',
  ),
  ER_TOO_HIGH_LEVEL_OF_NESTING_FOR_SELECT: code(
    1473,
    'HY000',
    'Too high level of nesting for select',
  ),
  ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT: code(
    1582,
    '42000',
    "Incorrect parameter count in the call to native function '{function}'",
  ),
  ER_WRONG_PARAMETERS_TO_NATIVE_FCT: code(
    1583,
    '42000',
    "Incorrect parameters in the call to native function '{function}'",
  ),
  ER_CTE_RECURSIVE_REQUIRES_UNION: code(
    3573,
    'HY000',
    "Recursive Common Table Expression '{name}' should contain a UNION",
  ),
  ER_CTE_RECURSIVE_REQUIRES_NONRECURSIVE_FIRST: code(
    3574,
    'HY000',
    "Recursive Common Table Expression '{name}' should have one or more non-recursive query blocks followed by one or more recursive ones",
  ),
  ER_CTE_RECURSIVE_FORBIDS_AGGREGATION: code(
    3575,
    'HY000',
    "Recursive Common Table Expression '{name}' can contain neither aggregation nor window functions in recursive query block",
  ),
  ER_CTE_RECURSIVE_REQUIRES_SINGLE_REFERENCE: code(
    3577,
    'HY000',
    "In recursive query block of Recursive Common Table Expression '{name}', the recursive table must be referenced only once, and not in any subquery",
  ),
  ER_CTE_MAX_RECURSION_DEPTH: code(
    3636,
    'HY000',
    'Recursive query aborted after {count} iterations. Try increasing @@cte_max_recursion_depth to a larger value.',
  ),
  ER_WINDOW_NO_SUCH_WINDOW: code(3579, 'HY000', "Window name '{name}' is not defined."),
  ER_WINDOW_FRAME_ILLEGAL: code(
    3586,
    'HY000',
    "Window '{name}': frame start or end is negative, NULL or of non-integral type",
  ),
  ER_WINDOW_DUPLICATE_NAME: code(3591, 'HY000', "Window '{name}' is defined twice."),
  ER_WINDOW_INVALID_WINDOW_FUNC_USE: code(
    3593,
    'HY000',
    "You cannot use the window function '{function}' in this context.",
  ),

  // Values
  ER_WARN_DATA_OUT_OF_RANGE: code(
    1264,
    '22003',
    "Out of range value for column '{column}' at row {row}",
  ),
  WARN_DATA_TRUNCATED: code(1265, '01000', "Data truncated for column '{column}' at row {row}"),
  ER_TRUNCATED_WRONG_VALUE: code(1292, '22007', "Truncated incorrect {type} value: '{value}'"),
  ER_UNKNOWN_TIME_ZONE: code(1298, 'HY000', "Unknown or incorrect time zone: '{name}'"),
  ER_INVALID_CHARACTER_STRING: code(1300, 'HY000', "Invalid {charset} character string: '{value}'"),
  ER_NO_DEFAULT_FOR_FIELD: code(1364, 'HY000', "Field '{column}' doesn't have a default value"),
  ER_DIVISION_BY_ZERO: code(1365, '22012', 'Division by 0'),
  ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: code(
    1366,
    'HY000',
    "Incorrect {type} value: '{value}' for column '{column}' at row {row}",
  ),
  ER_ILLEGAL_VALUE_FOR_TYPE: code(
    1367,
    '22007',
    "Illegal {type} '{value}' value found during parsing",
  ),
  ER_DATA_TOO_LONG: code(1406, '22001', "Data too long for column '{column}' at row {row}"),
  ER_WRONG_VALUE_FOR_TYPE: code(
    1411,
    'HY000',
    "Incorrect {type} value: '{value}' for function {function}",
  ),
  ER_DATETIME_FUNCTION_OVERFLOW: code(
    1441,
    '22008',
    'Datetime function: {function} field overflow',
  ),
  ER_WRONG_VALUE: code(1525, 'HY000', "Incorrect {type} value: '{value}'"),
  ER_DATA_OUT_OF_RANGE: code(1690, '22003', "{type} value is out of range in '{expression}'"),
  ER_INVALID_JSON_TEXT: code(
    3140,
    '22032',
    'Invalid JSON text: "{reason}" at position {position} in value for column \'{column}\'.',
  ),
  ER_INVALID_JSON_TEXT_IN_PARAM: code(
    3141,
    '22032',
    'Invalid JSON text in argument {argument} to function {function}: "{reason}" at position {position}.',
  ),
  ER_INVALID_JSON_PATH: code(
    3143,
    '42000',
    'Invalid JSON path expression. The error is around character position {position}.',
  ),
  ER_INVALID_TYPE_FOR_JSON: code(
    3146,
    '22032',
    'Invalid data type for JSON data in argument {argument} to function {function}; a JSON string or JSON type is required.',
  ),

  // Variables
  ER_UNKNOWN_SYSTEM_VARIABLE: code(1193, 'HY000', "Unknown system variable '{name}'"),
  ER_LOCAL_VARIABLE: code(
    1228,
    'HY000',
    "Variable '{name}' is a SESSION variable and can't be used with SET GLOBAL",
  ),
  ER_GLOBAL_VARIABLE: code(
    1229,
    'HY000',
    "Variable '{name}' is a GLOBAL variable and should be set with SET GLOBAL",
  ),
  ER_NO_DEFAULT: code(1230, '42000', "Variable '{name}' doesn't have a default value"),
  ER_WRONG_VALUE_FOR_VAR: code(
    1231,
    '42000',
    "Variable '{name}' can't be set to the value of '{value}'",
  ),
  ER_WRONG_TYPE_FOR_VAR: code(1232, '42000', "Incorrect argument type to variable '{name}'"),
  ER_INCORRECT_GLOBAL_LOCAL_VAR: code(1238, 'HY000', "Variable '{name}' is a {kind} variable"),

  // Accounts and privileges
  ER_DBACCESS_DENIED_ERROR: code(
    1044,
    '42000',
    "Access denied for user '{user}'@'{host}' to database '{database}'",
  ),
  ER_ACCESS_DENIED_ERROR: code(
    1045,
    '28000',
    "Access denied for user '{user}'@'{host}' (using password: {usingPassword})",
  ),
  ER_NONEXISTING_GRANT: code(
    1141,
    '42000',
    "There is no such grant defined for user '{user}' on host '{host}'",
  ),
  ER_TABLEACCESS_DENIED_ERROR: code(
    1142,
    '42000',
    "{command} command denied to user '{user}'@'{host}' for table '{table}'",
  ),
  ER_SPECIFIC_ACCESS_DENIED_ERROR: code(
    1227,
    '42000',
    'Access denied; you need (at least one of) the {privilege} privilege(s) for this operation',
  ),
  ER_NOT_SUPPORTED_AUTH_MODE: code(
    1251,
    '08004',
    'Client does not support authentication protocol requested by server; consider upgrading MySQL client',
  ),
  ER_CANNOT_USER: code(1396, 'HY000', 'Operation {operation} failed for {user}'),
  ER_NO_SUCH_USER: code(
    1449,
    'HY000',
    "The user specified as a definer ('{user}'@'{host}') does not exist",
  ),
  ER_NOT_VALID_PASSWORD: code(
    1819,
    'HY000',
    'Your password does not satisfy the current policy requirements',
  ),

  // Transactions
  ER_CANT_DO_THIS_DURING_AN_TRANSACTION: code(
    1179,
    '25000',
    'You are not allowed to execute this command in a transaction',
  ),
  ER_LOCK_WAIT_TIMEOUT: code(
    1205,
    'HY000',
    'Lock wait timeout exceeded; try restarting transaction',
  ),
  ER_LOCK_DEADLOCK: code(
    1213,
    '40001',
    'Deadlock found when trying to get lock; try restarting transaction',
  ),
  ER_CANT_CHANGE_TX_CHARACTERISTICS: code(
    1568,
    '25001',
    "Transaction characteristics can't be changed while a transaction is in progress",
  ),
  ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: code(
    1792,
    '25006',
    'Cannot execute statement in a READ ONLY transaction.',
  ),

  // Prepared statements and commands
  ER_UNKNOWN_COM_ERROR: code(1047, '08S01', 'Unknown command'),
  ER_UNKNOWN_STMT_HANDLER: code(
    1243,
    'HY000',
    'Unknown prepared statement handler ({id}) given to {command}',
  ),
  ER_UNSUPPORTED_PS: code(
    1295,
    'HY000',
    'This command is not supported in the prepared statement protocol yet',
  ),
  ER_PS_MANY_PARAM: code(1390, 'HY000', 'Prepared statement contains too many placeholders'),
  ER_STMT_HAS_NO_OPEN_CURSOR: code(1421, 'HY000', 'The statement ({id}) has no open cursor.'),
  ER_MAX_PREPARED_STMT_COUNT_REACHED: code(
    1461,
    '42000',
    "Can't create more than max_prepared_stmt_count statements (current value: {max})",
  ),
  ER_CLIENT_LOCAL_FILES_DISABLED: code(
    3948,
    '42000',
    'Loading local data is disabled; this must be enabled on both the client and server sides',
  ),

  // Connections
  ER_CON_COUNT_ERROR: code(1040, '08004', 'Too many connections'),
  ER_HANDSHAKE_ERROR: code(1043, '08S01', 'Bad handshake'),
  ER_SERVER_SHUTDOWN: code(1053, '08S01', 'Server shutdown in progress'),
  ER_NO_SUCH_THREAD: code(1094, 'HY000', 'Unknown thread id: {id}'),
  ER_KILL_DENIED_ERROR: code(1095, 'HY000', 'You are not owner of thread {id}'),
  ER_HOST_IS_BLOCKED: code(
    1129,
    'HY000',
    "Host '{host}' is blocked because of many connection errors",
  ),
  ER_NET_PACKET_TOO_LARGE: code(
    1153,
    '08S01',
    "Got a packet bigger than 'max_allowed_packet' bytes",
  ),
  ER_NET_PACKETS_OUT_OF_ORDER: code(1156, '08S01', 'Got packets out of order'),
  ER_NET_READ_INTERRUPTED: code(1159, '08S01', 'Got timeout reading communication packets'),
  ER_TOO_MANY_USER_CONNECTIONS: code(
    1203,
    '42000',
    "User {user} already has more than 'max_user_connections' active connections",
  ),
  ER_MALFORMED_PACKET: code(1835, 'HY000', 'Malformed communication packet.'),
  ER_CLIENT_INTERACTION_TIMEOUT: code(
    4031,
    'HY000',
    'The client was disconnected by the server because of inactivity. See wait_timeout and interactive_timeout for configuring this behavior.',
  ),

  // Limits, faults and interruption
  ER_DISK_FULL: code(
    1021,
    'HY000',
    'Disk full ({reason}); waiting for someone to free some space...',
  ),
  ER_OUTOFMEMORY: code(1037, 'HY001', 'Out of memory; restart server and try again ({reason})'),
  ER_OUT_OF_SORTMEMORY: code(
    1038,
    'HY001',
    'Out of sort memory, consider increasing server sort buffer size',
  ),
  ER_OUT_OF_RESOURCES: code(1041, 'HY000', 'Out of memory; {reason}'),
  ER_UNKNOWN_ERROR: code(1105, 'HY000', 'Unknown error'),
  ER_RECORD_FILE_FULL: code(1114, 'HY000', "The table '{table}' is full"),
  ER_USER_LIMIT_REACHED: code(
    1226,
    '42000',
    "User '{user}' has exceeded the '{resource}' resource (current value: {max})",
  ),
  ER_OPTION_PREVENTS_STATEMENT: code(
    1290,
    'HY000',
    'The MySQL server is running with the {option} option so it cannot execute this statement',
  ),
  ER_WARN_ALLOWED_PACKET_OVERFLOWED: code(
    1301,
    'HY000',
    'Result of {function}() was larger than max_allowed_packet ({max}) - truncated',
  ),
  ER_QUERY_INTERRUPTED: code(1317, '70100', 'Query execution was interrupted'),
  ER_INTERNAL_ERROR: code(1815, 'HY000', 'Internal error: {reason}'),
  ER_READ_ONLY_MODE: code(1836, 'HY000', 'Running in read-only mode'),
  ER_QUERY_TIMEOUT: code(
    3024,
    'HY000',
    'Query execution was interrupted, maximum statement execution time exceeded',
  ),
  ER_CAPACITY_EXCEEDED: code(
    3170,
    'HY000',
    "Memory capacity of {bytes} bytes for '{what}' exceeded. {remedy}",
  ),

  // The gate, and a text that MySQL has no name for
  /** The write was not admitted and is nowhere: drivers may retry it, so the state is 40001 where MySQL's 1205 has HY000. */
  ER_GATE_NOT_APPLIED: code(
    1205,
    '40001',
    'Write not applied: {reason}; try restarting transaction',
  ),
  /** The write is stored here but the peer has not confirmed it. Never of a retryable class. */
  ER_ERROR_DURING_COMMIT: code(1180, 'HY000', 'Got error during COMMIT: {reason}'),
  /** What MySQL says under the number of ER_TRUNCATED_WRONG_VALUE when the value was meant for a column. */
  ER_INCORRECT_VALUE_FOR_COLUMN: code(
    1292,
    '22007',
    "Incorrect {type} value: '{value}' for column '{column}' at row {row}",
  ),
} as const satisfies Readonly<Record<string, ErrorCode>>;

export type ErrorName = keyof typeof ERROR_CODES;

type Placeholders<Template extends string> =
  Template extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;

/** The words that the template of an error needs. */
export type ErrorArguments<Name extends ErrorName> = Readonly<
  Record<Placeholders<(typeof ERROR_CODES)[Name]['template']>, string | number>
>;
