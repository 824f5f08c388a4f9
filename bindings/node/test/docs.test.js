'use strict'
// The page of the documentation: every snippet runs, and prints what its comments say.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { directory } = require('./setup.js')

const PAGE = path.join(__dirname, '..', '..', '..', 'docs', 'node.md')
const snippets = [...fs.readFileSync(PAGE, 'utf8').matchAll(/^```js\n([^]*?)^```$/gm)].map(([, snippet]) => snippet)

test('the page has snippets', () => assert.ok(snippets.length >= 7, `${snippets.length}`))

for (const [index, snippet] of snippets.entries()) {
  const [last] = snippet.match(/^.*console\.log.*$/gm).slice(-1)
  test(`snippet ${index + 1} runs: ${last.trim()}`, async () => {
    const folder = directory()
    fs.mkdirSync(path.join(folder, 'node_modules'))
    fs.symlinkSync(path.join(__dirname, '..'), path.join(folder, 'node_modules', 'ringmain'))
    fs.writeFileSync(path.join(folder, 'snippet.mjs'), snippet)
    const { stdout } = await promisify(execFile)(process.execPath, ['snippet.mjs'], { cwd: folder })
    const lines = stdout.split('\n')
    for (const [, expected] of snippet.matchAll(/console\.log\(.*\/\/ (.*)$/gm)) assert.ok(lines.includes(expected), `${expected}\n${stdout}`)
  })
}
