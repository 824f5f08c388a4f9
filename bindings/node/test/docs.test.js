'use strict'
// The pages that show Node: every snippet runs, and prints what its comments say.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { directory } = require('./setup.js')

const ROOT = path.join(__dirname, '..', '..', '..')
// How many snippets each has at least.
const PAGES = { 'docs/node.md': 7, 'docs/migration.md': 0, 'bindings/node/README.md': 1 }

for (const [page, count] of Object.entries(PAGES)) {
  const text = fs.readFileSync(path.join(ROOT, page), 'utf8')
  const snippets = [...text.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, snippet]) => snippet)
  test(`${page} has snippets`, () => assert.ok(snippets.length >= count, `${snippets.length}`))
  for (const [index, snippet] of snippets.entries()) run(page, index, snippet)
}

function run(page, index, snippet) {
  const [last] = snippet.match(/^.*console\.log.*$/gm).slice(-1)
  test(`${page}, snippet ${index + 1} runs: ${last.trim()}`, async () => {
    const folder = directory()
    fs.mkdirSync(path.join(folder, 'node_modules'))
    fs.symlinkSync(path.join(__dirname, '..'), path.join(folder, 'node_modules', 'ringmain'))
    fs.writeFileSync(path.join(folder, 'snippet.mjs'), snippet)
    const { stdout } = await promisify(execFile)(process.execPath, ['snippet.mjs'], { cwd: folder })
    const lines = stdout.split('\n')
    for (const [, expected] of snippet.matchAll(/console\.log\(.*\/\/ (.*)$/gm)) assert.ok(lines.includes(expected), `${expected}\n${stdout}`)
  })
}
