/**
 * The rules that make a plan cheap, in the order they run. Each keeps the answer the same.
 *
 * Not safe, and therefore not done: pushing a limit below a filter, a sort, an aggregation or DISTINCT; answering from statistics when
 * runs overlap or hold deletes (the store then gives no exact count); pushing a condition with RAND, UUID or SLEEP anywhere.
 */

import { ColumnRole } from '../../storage/index.js';
import type { TableView } from '../exec/execution-context.js';
import {
  collectOrdinals,
  type BoundAggregate,
  type BoundConstant,
  type BoundExpression,
} from './bound-expression.js';
import { boundConstant } from './bound-cast.js';
import {
  rewritePlan,
  type AggregatePlan,
  type LogicalPlan,
  type ScanPlan,
} from './logical-plan.js';
import {
  intersectBounds,
  isEmptyRange,
  knownTruth,
  readsOnly,
  timeBounds,
  type TimeBounds,
} from './predicate.js';

export interface RuleContext {
  /** null where no statistics are at hand. */
  readonly view: TableView | null;
}

export interface Rule {
  readonly name: string;
  readonly apply: (plan: LogicalPlan, context: RuleContext) => LogicalPlan;
}

export const RULES: readonly Rule[] = [
  { name: 'decide constant conditions', apply: (plan) => rewritePlan(plan, decideConstants) },
  { name: 'push time range into the scan', apply: (plan) => rewritePlan(plan, pushTimeRange) },
  {
    name: 'push tag conditions to the series',
    apply: (plan) => rewritePlan(plan, pushTagConditions),
  },
  { name: 'let nothing rise', apply: (plan) => rewritePlan(plan, riseNothing) },
  {
    name: 'answer from statistics',
    apply: (plan, context) => rewritePlan(plan, (node) => answerFromStatistics(node, context)),
  },
  { name: 'sort only the first rows', apply: (plan) => rewritePlan(plan, limitSort) },
  { name: 'push limit into the scan', apply: (plan) => rewritePlan(plan, pushLimit) },
  { name: 'read only needed columns', apply: (plan) => pruneColumns(plan, null) },
];

export function applyRules(plan: LogicalPlan, context: RuleContext): LogicalPlan {
  return RULES.reduce((changed, rule) => rule.apply(changed, context), plan);
}

function decideConstants(plan: LogicalPlan): LogicalPlan {
  if (plan.kind === 'limit' && plan.limit === 0) return { kind: 'nothing' };
  if (plan.kind !== 'filter') return plan;
  const open: BoundExpression[] = [];
  for (const condition of plan.conditions) {
    const truth = isNumeric(condition) ? knownTruth(condition) : null;
    if (truth === false) return { kind: 'nothing' };
    if (truth === null) open.push(condition);
  }
  return open.length === 0 ? plan.input : { ...plan, conditions: open };
}

const isNumeric = ({ type }: BoundExpression): boolean =>
  type.kind === 'integer' ||
  type.kind === 'boolean' ||
  type.kind === 'null' ||
  type.kind === 'double';

function scanBelow(
  plan: LogicalPlan,
): { scan: ScanPlan; conditions: readonly BoundExpression[] } | null {
  if (plan.kind !== 'filter' || plan.input.kind !== 'scan') return null;
  return { scan: plan.input, conditions: plan.conditions };
}

function refilter(scan: ScanPlan, conditions: readonly BoundExpression[]): LogicalPlan {
  return conditions.length === 0 ? scan : { kind: 'filter', input: scan, conditions };
}

function pushTimeRange(plan: LogicalPlan): LogicalPlan {
  const found = scanBelow(plan);
  if (found === null) return plan;
  const { scan } = found;
  const timeOrdinal = scan.table.columns.findIndex((column) => column.role === ColumnRole.time);
  let range: TimeBounds = { min: scan.timeMin, max: scan.timeMax };
  const rest: BoundExpression[] = [];
  for (const condition of found.conditions) {
    const bounds = timeBounds(condition, timeOrdinal);
    if (bounds === null) rest.push(condition);
    else range = intersectBounds(range, bounds);
  }
  if (isEmptyRange(range)) return { kind: 'nothing' };
  return refilter({ ...scan, timeMin: range.min, timeMax: range.max }, rest);
}

function pushTagConditions(plan: LogicalPlan): LogicalPlan {
  const found = scanBelow(plan);
  if (found === null) return plan;
  const { scan } = found;
  const tags = new Set<number>();
  scan.table.columns.forEach((column, ordinal) => {
    if (column.role === ColumnRole.tag) tags.add(ordinal);
  });
  const pushed = found.conditions.filter((condition) => readsOnly(condition, tags));
  if (pushed.length === 0) return plan;
  const rest = found.conditions.filter((condition) => !pushed.includes(condition));
  return refilter({ ...scan, tagConditions: [...scan.tagConditions, ...pushed] }, rest);
}

function riseNothing(plan: LogicalPlan): LogicalPlan {
  if (!('input' in plan) || plan.input.kind !== 'nothing') return plan;
  // Aggregation without keys has one row even of nothing.
  return plan.kind === 'aggregate' && plan.keys.length === 0 ? plan : { kind: 'nothing' };
}

/** COUNT(*), and MIN and MAX of the time index, of a whole table whose rows are counted. */
function answerFromStatistics(plan: LogicalPlan, { view }: RuleContext): LogicalPlan {
  if (plan.kind !== 'aggregate' || plan.input.kind !== 'scan' || view === null) return plan;
  const scan = plan.input;
  const isWhole = scan.timeMin === null && scan.timeMax === null && scan.tagConditions.length === 0;
  if (plan.keys.length > 0 || !isWhole || scan.table.parts.length > 1) return plan;
  const answers = statisticAnswers(plan, scan, view);
  return answers === null ? plan : { kind: 'constantRow', values: answers };
}

function statisticAnswers(
  plan: AggregatePlan,
  scan: ScanPlan,
  view: TableView,
): readonly BoundConstant[] | null {
  const { exactRows, timeMin, timeMax } = view.estimate(scan.table.parts[0].tableId);
  if (exactRows === null) return null;
  const answers: BoundConstant[] = [];
  for (const aggregate of plan.aggregates) {
    const argument = aggregate.arguments[0];
    if (aggregate.name === 'count' && !aggregate.distinct && countsAll(aggregate)) {
      answers.push(boundConstant(aggregate.type, exactRows));
    } else if (
      argument?.kind === 'column' &&
      scan.table.columns[argument.ordinal]?.role === ColumnRole.time
    ) {
      if (aggregate.name !== 'min' && aggregate.name !== 'max') return null;
      const edge = aggregate.name === 'min' ? timeMin : timeMax;
      answers.push(boundConstant(aggregate.type, exactRows === 0 ? null : edge));
      if (exactRows > 0 && edge === null) return null;
    } else return null;
  }
  return answers;
}

/** COUNT(*), COUNT(1) or COUNT of what is never NULL. */
function countsAll({ arguments: args }: BoundAggregate): boolean {
  return args.every((argument) => !argument.nullable && argument.kind !== 'call');
}

function limitSort(plan: LogicalPlan): LogicalPlan {
  if (plan.kind !== 'limit' || plan.input.kind !== 'sort') return plan;
  const rows = plan.limit + plan.offset;
  return Number.isFinite(rows) ? { ...plan, input: { ...plan.input, limitRows: rows } } : plan;
}

/** Only through projections: everything else changes how many rows there are, or their order. */
function pushLimit(plan: LogicalPlan): LogicalPlan {
  if (plan.kind !== 'limit') return plan;
  const rows = plan.limit + plan.offset;
  const { input } = plan;
  if (!Number.isFinite(rows) || input.kind !== 'project' || input.input.kind !== 'scan')
    return plan;
  return { ...plan, input: { ...input, input: { ...input.input, limitRows: rows } } };
}

/** `needed` null = all columns of the node. */
function pruneColumns(plan: LogicalPlan, needed: ReadonlySet<number> | null): LogicalPlan {
  switch (plan.kind) {
    case 'scan': {
      const all = plan.table.columns.map((_, ordinal) => ordinal);
      return {
        ...plan,
        columns: needed === null ? all : all.filter((ordinal) => needed.has(ordinal)),
      };
    }
    case 'project':
      return { ...plan, input: pruneColumns(plan.input, ordinalsOf(plan.expressions)) };
    case 'aggregate':
      return {
        ...plan,
        input: pruneColumns(plan.input, ordinalsOf([...plan.keys, ...plan.aggregates])),
      };
    case 'filter': {
      const wanted = needed === null ? null : new Set([...needed, ...ordinalsOf(plan.conditions)]);
      return { ...plan, input: pruneColumns(plan.input, wanted) };
    }
    default:
      return 'input' in plan ? { ...plan, input: pruneColumns(plan.input, null) } : plan;
  }
}

function ordinalsOf(expressions: readonly BoundExpression[]): Set<number> {
  const ordinals = new Set<number>();
  for (const expression of expressions) collectOrdinals(expression, ordinals);
  return ordinals;
}
