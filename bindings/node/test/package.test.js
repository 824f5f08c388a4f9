'use strict'
// The package itself: types, both module systems, and the two ways to install it.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { directory } = require('./setup.js')

const run = promisify(execFile)
const PACKAGE = path.join(__dirname, '..')
const TYPES = ['index.d.ts', 'lib/stream/index.d.ts'].map((file) => fs.readFileSync(path.join(PACKAGE, file), 'utf8')).join('\n')

test('the types fit the package, and wrong use of them does not compile', async () => {
  const tsc = path.join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc')
  await run(process.execPath, [tsc, '--noEmit', '-p', path.join(__dirname, 'types')]).catch((error) => {
    throw new Error(error.stdout || error.message)
  })
})

test('every member that the package has is in its types, and the other way round', () => {
  const declared = TYPES
  const ringmain = require('..')
  const base = Object.getPrototypeOf(ringmain.Reader)
  for (const [name, exported] of Object.entries(ringmain)) {
    assert.match(declared, new RegExp(`export (class|function) ${name}\\b`))
    if (!/^[A-Z]/.test(name)) continue
    const source = new RegExp(`class ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(declared)[1]
    const members = Object.getOwnPropertyNames(exported.prototype).filter((member) => !member.startsWith('_'))
    const inherited = exported.prototype instanceof base ? /class Source [^{]*\{([\s\S]*?)\n\}/.exec(declared)[1] : ''
    for (const member of members) assert.match(source + inherited, new RegExp(`\\b${member}\\b`), `${name}.${member}`)
    for (const [, member] of source.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)) {
      if (member === 'constructor' || (name === 'RingmainError' && member !== 'name')) continue
      assert.ok(member in exported.prototype, `${name}.${member} is declared but does not exist`)
    }
  }
})

test('the codes in the types are those of the native table', () => {
  const declared = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8')
  const union = /export type ErrorCode =([^]*?)\n\n/.exec(declared)[1]
  const names = require('../lib/addon.js').codes().map(({ name }) => name)
  assert.deepEqual([...union.matchAll(/'(\w+)'/g)].map(([, name]) => name), names)
})

test('import and require give the same classes', async () => {
  const required = require('..')
  const imported = await import('../index.mjs')
  assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort())
  for (const name of Object.keys(required)) assert.equal(imported[name], required[name], name)
})

test('the lock file names no registry', () => {
  assert.doesNotMatch(fs.readFileSync(path.join(PACKAGE, 'package-lock.json'), 'utf8'), /"resolved"|https?:/)
})

const USE = `
  import { open } from 'ringmain'
  import { createRequire } from 'node:module'
  const hub = open()
  const queue = hub.queue('jobs', { onExhausted: 'drop' })
  queue.send('installed')
  console.log(queue.tryReceive().text(), createRequire(import.meta.url)('ringmain').open === open)`

// Links, as npm does by default, and copies, as it does with --install-links. Both have npm run cargo, which finds
// nothing to do, because the profile is that of the build under test.
for (const option of ['--install-links=false', '--install-links=true']) {
  test(`npm install of the folder from another folder works with ${option}`, async (t) => {
    const folder = directory()
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "name": "user", "private": true }')
    const env = { ...process.env, RINGMAIN_PROFILE: require('../lib/addon.js').profile() }
    await run('npm', ['install', option, '--offline', '--no-audit', '--no-fund', PACKAGE], { cwd: folder, env })
    fs.writeFileSync(path.join(folder, 'use.mjs'), USE)
    const { stdout } = await run(process.execPath, ['use.mjs'], { cwd: folder })
    assert.equal(stdout, 'installed true\n')
  })
}

test('the published packages need neither cargo nor a script, for import and for require', async () => {
  const folder = directory()
  await run(process.execPath, [path.join(PACKAGE, 'npm', 'pack.js'), folder])
  const { platform } = require('../lib/platform.js')
  const { optionalDependencies, scripts, version } = JSON.parse(fs.readFileSync(path.join(folder, 'ringmain', 'package.json'), 'utf8'))
  assert.equal(scripts, undefined)
  assert.equal(optionalDependencies[`ringmain-${platform()}`], version)
  assert.deepEqual(fs.readdirSync(path.join(folder, `ringmain-${platform()}`)).sort(), ['LICENSE-APACHE', 'LICENSE-MIT', 'package.json', 'ringmain.node'])
  assert.equal(fs.existsSync(path.join(folder, 'ringmain', 'ringmain.node')), false)
  fs.mkdirSync(path.join(folder, 'user', 'node_modules'), { recursive: true })
  for (const name of ['ringmain', `ringmain-${platform()}`]) {
    fs.renameSync(path.join(folder, name), path.join(folder, 'user', 'node_modules', name))
  }
  fs.writeFileSync(path.join(folder, 'user', 'use.mjs'), USE)
  const { stdout } = await run(process.execPath, ['use.mjs'], { cwd: path.join(folder, 'user'), env: { PATH: '' } })
  assert.equal(stdout, 'installed true\n')
  fs.rmSync(path.join(folder, 'user', 'node_modules', `ringmain-${platform()}`), { recursive: true })
  const failed = await run(process.execPath, ['use.mjs'], { cwd: path.join(folder, 'user') }).catch((error) => error)
  assert.match(failed.stderr, /ringmain.node: neither is it built, nor is the package ringmain-\S+ installed/)
})

test('every platform of the matrix is named as the loader names it', () => {
  for (const { name, os, cpu, libc } of require('../npm/platforms.json')) {
    const suffix = { linux: libc === 'glibc' ? '-gnu' : '-musl', win32: '-msvc' }[os] ?? ''
    assert.equal(name, `${os}-${cpu}${suffix}`)
  }
})
