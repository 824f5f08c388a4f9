'use strict'
// The scripts of `bindings/behaviour`, replayed in Node. What they are is said in the README there.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { ManualClock, RingmainError, open } = require('..')
const { directory } = require('./setup.js')

const SCRIPTS = path.join(__dirname, '..', '..', 'behaviour', 'scripts')

const scripts = fs.readdirSync(SCRIPTS).sort().flatMap((file) =>
  JSON.parse(fs.readFileSync(path.join(SCRIPTS, file), 'utf8')).map((script) => ({ file, ...script })))

for (const script of scripts) {
  for (const kind of script.durable ? ['durable'] : ['memory', 'durable']) {
    test(`${script.file}, ${kind}: ${script.about}`, () => replay(script, kind))
  }
}

test('the scripts are found', () => assert.ok(scripts.length > 25, `${scripts.length}`))

test('a step that gives something else is seen', async () => {
  const told = (step) => ({ steps: [{ call: 'hub.queue', with: { name: 'jobs', on_exhausted: 'drop' }, as: 'jobs' }, step] })
  await replay(told({ call: 'jobs.receive', gives: null }), 'memory')
  await assert.rejects(replay(told({ call: 'jobs.receive', gives: 1 }), 'memory'))
  await assert.rejects(replay(told({ call: 'jobs.stats', gives: { ready: 1 } }), 'memory'))
  await assert.rejects(replay(told({ call: 'jobs.stats', error: 'CLOSED' }), 'memory'))
  await assert.rejects(replay(told({ call: 'jobs.receive_many', with: { count: 0 }, error: 'CLOSED' }), 'memory'))
})

test('a verb that there is not is seen', async () => {
  await assert.rejects(replay({ steps: [{ call: 'hub.frobnicate' }] }, 'memory'), /Hub has no verb frobnicate/)
})

async function replay(script, kind) {
  const clock = new ManualClock()
  const where = kind === 'durable' ? directory() : undefined
  const opened = () => new Map([['hub', open(where, { clock })], ['clock', clock]])
  let things = opened()
  const kept = []
  try {
    for (const step of script.steps) {
      if (step.call === 'hub.reopen') {
        await things.get('hub').close()
        things = opened()
        continue
      }
      const given = await failing(step, () => call(things, step))
      if ('gives' in step) compare(step.gives, shown(given), JSON.stringify(step))
      kept.push(given)
      if (Array.isArray(step.as)) step.as.forEach((name, index) => things.set(name, given[index]))
      else if (step.as !== undefined) things.set(step.as, given)
    }
  } finally {
    await things.get('hub').close()
  }
}

// What a step gives; nothing, if it fails with the error that it must fail with.
async function failing(step, does) {
  let given
  try {
    given = await does()
  } catch (error) {
    if (!(error instanceof RingmainError)) throw error
    assert.equal(error.code, step.error, `${JSON.stringify(step)}: ${error.message}`)
    return undefined
  }
  assert.equal(step.error, undefined, `${JSON.stringify(step)}: it did not fail`)
  return given
}

// Of objects only the members that are named are compared.
function compare(expected, found, step) {
  if (Array.isArray(expected) && Array.isArray(found)) {
    assert.equal(found.length, expected.length, step)
    expected.forEach((each, index) => compare(each, found[index], step))
  } else if (isObject(expected) && isObject(found)) {
    for (const [name, value] of Object.entries(expected)) {
      if (name === 'headers' && Object.keys(value).length === 0) assert.deepEqual(found.headers, value, step)
      compare(value, found[camel(name)], `${step}: ${name}`)
    }
  } else {
    assert.deepEqual(found, expected, step)
  }
}

const isObject = (value) => typeof value === 'object' && value !== null

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

// Does a verb: one of those below, or else the method of that name, its arguments in the order of the script.
function call(things, { call: what, with: given = {} }) {
  const [name, verb] = what.split('.')
  const thing = things.get(name)
  const special = SPECIAL[`${thing.constructor.name}.${verb}`]
  if (special !== undefined) return special(thing, given)
  const method = thing[camel(verb)]
  assert.equal(typeof method, 'function', `${thing.constructor.name} has no verb ${verb}`)
  const forms = { messages, jobs: (jobs) => jobs.map((job) => things.get(job)), record: (record) => things.get(record) }
  return method.apply(thing, Object.entries(given).map(([name, value]) => (forms[name] ?? ((one) => inNode(name, one)))(value)))
}

// A value as Node has it: points in time are BigInt, names are camelCase.
function inNode(name, value) {
  if (name.endsWith('_ns')) return BigInt(value)
  if (Array.isArray(value)) return value.map((one) => inNode('', one))
  return isObject(value) && name !== 'headers' ? options(value) : value
}

const options = (given) => Object.fromEntries(Object.entries(given).map(([name, value]) => [camel(name), inNode(name, value)]))

function message({ tombstone, ...given }) {
  return { ...options(given), ...(tombstone ? { value: null } : {}) }
}

const messages = (given) => given.map(message)

// A value, and its options.
function spread(given) {
  const { value, ...options } = message(given)
  return [value, options]
}

function filterOf({ header, value, any, all, ...other }) {
  if (header !== undefined) return value === undefined ? { hasHeader: header } : { header: [header, value] }
  if (any !== undefined) return { any: any.map(filterOf) }
  return all === undefined ? other : { all: all.map(filterOf) }
}

const named = ({ name, ...given }) => [name, options(given)]

const SPECIAL = {
  'Hub.queue': (hub, given) => hub.queue(...named(given)),
  'Hub.stream': (hub, given) => hub.stream(...named(given)),
  'Queue.send': (queue, given) => queue.send(...spread(given)),
  'Queue.send_unique': (queue, given) => queue.sendUnique(...spread(given)),
  'Queue.receive': (queue) => queue.tryReceive(),
  'Queue.receive_many': (queue, { count }) => queue.tryReceiveMany(count),
  'Queue.dead_letters_redrive': (queue, { letters }) => queue.deadLetters.redrive(letters),
  'Job.fail': (job, { reason, ...given }) => job.fail(reason, options(given)),
  'Job.release': (job, given) => job.release(options(given)),
  'Stream.append': (stream, given) => stream.append(...spread(given)),
  'Stream.append_to': (stream, { partition, ...given }) => stream.appendTo(partition, ...spread(given)),
  'Stream.reader': (stream, { only, ...given }) =>
    stream.reader({ ...options(given), ...(only === undefined ? {} : { only: filterOf(only) }) }),
  'Reader.poll': (reader, { count }) => reader.pollSync(count),
  'Reader.is_done': (reader) => reader.isDone,
  'Member.poll': (member, { count }) => member.pollSync(count),
  'Table.len': (table) => table.size
}

const MESSAGE = ['value', 'key', 'headers', 'eventTimeNs']
const SHOWN = {
  Job: ['id', 'attempts', 'failures', ...MESSAGE],
  Peeked: ['id', 'attempts', 'failures', ...MESSAGE],
  Record: ['partition', 'offset', ...MESSAGE]
}

// What a call gives, as scripts say it.
function shown(given) {
  if (given instanceof RingmainError) return given.code
  if (given instanceof Uint8Array) return Buffer.from(given).toString()
  if (typeof given === 'bigint') return Number(given)
  if (Array.isArray(given)) return given.map(shown)
  if (!isObject(given)) return given
  const names = SHOWN[given.constructor.name] ?? Object.keys(given)
  return Object.fromEntries(names.map((name) => [name, name === 'headers' ? headersOf(given[name]) : shown(given[name])]))
}

const headersOf = (pairs) => Object.fromEntries(pairs.map(([name, value]) => [name, value.toString()]))

