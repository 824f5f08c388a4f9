'use strict'
// `./x bench node`: rows of messages through the Node surface, and through what its users have now. Contestants of a cell take turns, round
// by round; of each the median, the least and the most are told.
//
//   node suite.js --out DIR [--quick] [--cell WORDS] [--rounds N] [--list]

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { isMainThread, workerData } = require('node:worker_threads')
const { parseArgs } = require('node:util')
const threads = require('./threads.js')
const durable = require('./durable.js')
const loop = require('./loop.js')

const CELLS = [...loop.CELLS, ...threads.CELLS, ...durable.CELLS]

const OPTIONS = {
  out: { type: 'string' }, quick: { type: 'boolean' }, cell: { type: 'string' }, rounds: { type: 'string' }, list: { type: 'boolean' }
}

function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b)
  return { median: sorted[sorted.length >> 1], min: sorted[0], max: sorted.at(-1) }
}

// Nanoseconds for each message of one run.
async function measure(contestant, count) {
  globalThis.gc?.()
  const start = process.hrtime.bigint()
  await contestant.run(count)
  return Number(process.hrtime.bigint() - start) / count
}

async function runCell(cell, rounds, quick) {
  const count = Math.max(64, quick ? cell.count >> 3 : cell.count)
  const contestants = cell.contestants.filter((contestant) => contestant.isThere?.() ?? true)
  const samples = new Map(contestants.map((contestant) => [contestant, []]))
  for (const contestant of contestants) await contestant.begin?.()
  try {
    for (let round = -1; round < rounds; round++) {
      process.stderr.write(`\r\x1b[K${cell.name}: ${round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`}`)
      for (const contestant of contestants) {
        const ns = await measure(contestant, contestant.isSlow ? Math.max(64, count >> 4) : count)
        if (round >= 0) samples.get(contestant).push(ns)
      }
    }
  } finally {
    for (const contestant of contestants) await contestant.end?.()
    process.stderr.write('\r\x1b[K')
  }
  return told(cell, samples)
}

function told(cell, samples) {
  const scale = cell.unit === 'us/job' ? 1000 : 1
  const of = (kind) => [...samples].filter(([contestant]) => contestant.kind === kind).map(([contestant, taken]) =>
    [contestant.name, summary(taken.map((ns) => ns / scale))])
  const [[oursName, ours]] = of('ours')
  const rivals = Object.fromEntries(of('rival'))
  const [best] = Object.entries(rivals).sort(([, a], [, b]) => a.median - b.median).map(([name]) => name)
  const ratio = best === undefined ? null : rivals[best].median / ours.median
  return {
    cell: cell.name, unit: cell.unit, higher_is_better: false, ours_name: oursName, ours, variants: {}, rivals,
    references: Object.fromEntries(of('reference')), best: best ?? null, ratio, goal: cell.goal, goal_is: 'value',
    met: ours.median <= cell.goal
  }
}

function show(row) {
  const number = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(1))
  const line = (name, { median, min, max }, note = '') =>
    console.log(`  ${name.padEnd(34)}${number(median).padStart(10)}${`[${number(min)} .. ${number(max)}]`.padStart(24)}  ${note}`)
  console.log(`${row.cell}, ${row.unit}`)
  const ratio = row.ratio === null ? '' : `${row.ratio.toFixed(2)}x the best rival`
  line(row.ours_name, row.ours, `goal ${row.goal} ${row.met ? 'met' : 'missed'}  ${ratio}`)
  for (const [name, figures] of Object.entries(row.rivals)) line(name, figures)
  for (const [name, figures] of Object.entries(row.references)) line(`(${name})`, figures, 'does less')
}

async function main() {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.list) return CELLS.forEach(({ name }) => console.log(name))
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 9))
  const rows = []
  for (const cell of CELLS.filter(({ name }) => name.includes(values.cell ?? ''))) {
    rows.push(await runCell(cell, rounds, values.quick))
    show(rows.at(-1))
  }
  const out = values.out ?? path.join(os.tmpdir(), 'ringmain-bench')
  fs.mkdirSync(out, { recursive: true })
  fs.writeFileSync(path.join(out, 'node.json'), `${JSON.stringify(rows, null, 2)}\n`)
}

if (isMainThread) {
  main().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
} else {
  threads.consume(workerData)
}
