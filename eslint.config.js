/**
 * Lint: what the compiler cannot see and this server typically gets wrong (promises nobody awaits, switches that miss a
 * case), the arrows between the rooms, and the ports through which alone time, chance and the machine come in.
 *
 *   bin -> src -> { protocol, replication, storage }      replication -> storage
 */
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const ROOMS = ['bin', 'src', 'protocol', 'replication', 'storage', 'test', 'bench'];

/** What a file of `room` may import of the project: itself, and the index of the rooms in `below`. */
function arrows(room, below) {
  const others = ROOMS.filter((other) => other !== room && !below.includes(other));
  const patterns = [
    {
      regex: `^(\\.\\./)+(${others.join('|')})/`,
      message: `${room}/ imports only ${below.length === 0 ? 'itself' : `${below.join('/, ')}/`}: see docs/architecture.md.`,
    },
  ];
  const doors = below.filter((other) => other !== 'src');
  if (doors.length > 0) {
    patterns.push({
      regex: `^(\\.\\./)+(${doors.join('|')})/(?!index\\.js$)`,
      message: 'Import the index.js of a room, never past it.',
    });
  }
  return patterns;
}

/** The machine, for the rooms that also run in the simulator. */
const MACHINE = {
  regex:
    '^(node:(fs|fs/promises|net|tls|http|dns|timers|timers/promises|os|worker_threads)|classic-level)$',
  message: 'Disk, sockets, timers and LevelDB come in through ports: storage/ports.ts.',
};

const CHANCE = {
  regex: '^node:crypto$',
  importNames: ['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID'],
  message: 'Random bytes come in through a port: storage/ports.ts.',
};

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
  name,
  message: 'Timers come in through a port: storage/ports.ts.',
}));

const CLOCKS = [
  { object: 'Date', property: 'now', message: 'The clock comes in through a port.' },
  { object: 'performance', property: 'now', message: 'The clock comes in through a port.' },
  { object: 'process', property: 'hrtime', message: 'The clock comes in through a port.' },
  { object: 'Math', property: 'random', message: 'Random numbers come in through a port.' },
  {
    object: 'process',
    property: 'env',
    message: 'The environment is read by src/server/config.ts.',
  },
];

const DOUBLE_CAST = {
  selector: "TSAsExpression > TSAsExpression[typeAnnotation.type='TSUnknownKeyword']",
  message: 'A cast through unknown hides an error: narrow the type instead.',
};

const CLOCK_CONSTRUCTOR = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: 'The clock comes in through a port.',
};

/** Rules of one room: its arrows, and whether it must be free of the machine. */
function room(name, { below, patterns = [] }) {
  return {
    files: [`${name}/**/*.ts`],
    rules: {
      'no-restricted-imports': ['error', { patterns: [...arrows(name, below), ...patterns] }],
    },
  };
}

/** A file of a room that may touch the machine. */
function adapter(name, file, below) {
  return {
    files: [`${name}/${file}`],
    rules: {
      'no-restricted-globals': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': ['error', DOUBLE_CAST],
      'no-restricted-imports': ['error', { patterns: arrows(name, below) }],
    },
  };
}

export default tseslint.config(
  { ignores: ['dist/', 'data/', 'coverage/', 'node_modules/', 'bench/reports/', 'kernels/'] },
  { linterOptions: { noInlineConfig: true } },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'object-shorthand': 'error',
      'no-restricted-syntax': ['error', DOUBLE_CAST],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          destructuredArrayIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
      // Spreading a string into its code points is what is meant where it is done.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],

      // Every read of a typed array is `number | undefined` to the compiler; the `!` states the index's invariant.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Sees conditions on array elements and on bytes from outside as constant.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Ports are asynchronous even where one implementation has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // `void | Promise<void>` is how back-pressure is written here.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // A type parameter used once still documents what a caller gets.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },

  room('storage', { below: [], patterns: [MACHINE, CHANCE] }),
  room('protocol', { below: [] }),
  room('replication', { below: ['storage'], patterns: [MACHINE, CHANCE] }),
  room('src', { below: ['protocol', 'replication', 'storage'] }),
  room('bin', { below: ['src'] }),

  {
    // Time, chance and the environment are handed in, so that a test can turn them.
    files: ['storage/**/*.ts', 'replication/**/*.ts', 'protocol/**/*.ts', 'src/**/*.ts'],
    ignores: ['src/server/**', 'src/http/**', 'src/command/**'],
    rules: {
      'no-restricted-globals': ['error', ...TIMERS],
      'no-restricted-properties': ['error', ...CLOCKS],
      'no-restricted-syntax': ['error', DOUBLE_CAST, CLOCK_CONSTRUCTOR],
    },
  },
  // The adapters that implement the ports.
  adapter('storage', 'node-adapters.ts', []),
  adapter('storage', 'kernel-module.ts', []),
  adapter('storage', 'thread-workers.ts', []),
  adapter('storage', 'background-worker.ts', []),
  adapter('replication', 'tcp-transport.ts', ['storage']),
  {
    files: ['src/command/**', 'bin/**', 'bench/**', 'scripts/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-empty-function': 'off',
      // expect.stringMatching() and its like are `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // Plain JavaScript is not part of the typed program.
    files: ['**/*.js', '**/*.mjs', '**/*.cjs', 'bin/twintide'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      parserOptions: { projectService: false },
      globals: { process: 'readonly', console: 'readonly' },
    },
  },
  {
    // CommonJS: the launcher, for the reason in its head, and what Node loads before it runs TypeScript.
    files: ['bin/twintide', '**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {
        process: 'readonly',
        console: 'readonly',
        __dirname: 'readonly',
        __filename: 'readonly',
        require: 'readonly',
        module: 'writable',
      },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
