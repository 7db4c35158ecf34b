import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/databases/databases.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const SECTION = /\n## A team in ten minutes\n([\s\S]*?)\n## /;
const POSTGRES = ["/usr/bin/pg_createcluster", "/usr/bin/psql", "/usr/bin/pg_dump"];

/**
 * Programs of a machine that this one does not have, or must not be asked for: npm gives this build, systemd's unit is read and its
 * program started, and root needs no sudo.
 */
const STAND_INS: Readonly<Record<string, string>> = {
  npm: `case "$1" in root) echo "$PACKAGE/lib/node_modules";; install) ln -sf "$PACKAGE/bin/baton" /usr/local/bin/baton;; *) exit 1;; esac`,
  sudo: `if [ "$1" = -u ]; then user=$2; shift 2; exec runuser -u "$user" -- "$@"; fi; exec "$@"`,
  systemctl: `
verb=$1; shift; [ "$1" = --now ] && shift
start() {
  unit=/etc/systemd/system/baton@.service; i=\${1#*@}
  set -a; . "$(sed -n 's/^EnvironmentFile=//p' $unit)"; set +a
  line=$(sed -n 's/^ExecStart=//p' $unit | sed "s/%i/$i/"); eval "HOME=/var/lib/baton setsid $line </dev/null >/var/log/$1.log 2>&1 &"
  echo $! >/run/$1.pid
}
stop() { pid=$(cat /run/$1.pid); kill -TERM "$pid"; tail --pid="$pid" -f /dev/null; }
mkdir -p /var/lib/baton
for name in "$@"; do
  case "$name $verb" in
    "nginx reload") [ -s /run/nginx.pid ] && kill -0 "$(cat /run/nginx.pid)" 2>/dev/null && nginx -s reload || setsid nginx </dev/null >/var/log/nginx.log 2>&1;;
    baton*enable|baton*start) start "$name";;
    baton*stop) stop "$name";;
    baton*restart) stop "$name"; start "$name";;
    *) exit 1;;
  esac
done`,
};

/** A fresh machine: a copy of this one whose changes are thrown away, with a network, a PostgreSQL and processes of its own. */
const MACHINE = `
set -e
mount -t tmpfs tmpfs "$PLACE"
mkdir "$PLACE/changes" "$PLACE/work" "$PLACE/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$PLACE/changes,workdir=$PLACE/work" "$PLACE/root"
mount -t proc proc "$PLACE/root/proc"
mount --rbind /dev "$PLACE/root/dev"
mkdir -p "$PLACE/root/opt/package"
mount --bind "$PACKAGE" "$PLACE/root/opt/package"
mount --bind "$MODULES" "$PLACE/root/opt/package/lib/node_modules/baton-mcp/node_modules"
ip link set lo up
cp "$STANDINS"/* "$PLACE/root/usr/local/bin/"
echo "127.0.0.1 localhost baton.example" > "$PLACE/root/etc/hosts"
rm -rf "$PLACE/root/run/postgresql" "$PLACE/root/run/nginx.pid" "$PLACE/root/etc/postgresql" "$PLACE/root/var/lib/postgresql" "$PLACE/root"/etc/nginx/conf.d/*
install -d -o postgres -g postgres "$PLACE/root/run/postgresql" "$PLACE/root/etc/postgresql" "$PLACE/root/var/lib/postgresql" "$PLACE/root/home/new"
status=0
# Not in place of this shell, which looks after processes whose parents have ended.
chroot "$PLACE/root" env -i PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin HOME=/home/new TERM=dumb PACKAGE=/opt/package script -qec "bash /usr/local/bin/typed" /dev/null || status=$?
exit "$status"
`;

/** The beginning of the typed lines: a failing one ends them. curl is told of the certificate, which no authority has signed. */
const PREAMBLE = `
set -eo pipefail
cd /home/new
trap 'cat /var/log/baton*.log; kill $(cat /run/*.pid); pg_ctlcluster "$version" main stop' EXIT
version=$(ls /usr/lib/postgresql | sort -n | tail -1)
pg_createcluster "$version" main --port 5432 --start >/dev/null
export CURL_CA_BUNDLE=/etc/baton/tls.crt
count() { sudo -u postgres psql -qAt -c "SELECT count(*) FROM tasks" baton; }
`;

/** Looked at between the blocks, by their place. */
const CHECKS: Readonly<Record<number, string>> = {
  // After the backup one task more is made, and after the restore it is gone again.
  5: `echo "COUNT $(count)"; curl --fail -s -H "Authorization: Bearer $ann" -H 'Content-Type: application/json' -d '{"title": "later", "prompt": "…", "project": "shop"}' https://baton.example/api/v1/operations/create_task >/dev/null; echo "COUNT $(count)"`,
  6: `curl --fail -s --retry 30 --retry-delay 1 --retry-all-errors https://baton.example/readyz; echo "COUNT $(count)"`,
  7: `curl --fail -s -H "Authorization: Bearer $ann" https://baton.example/api/v1/session; echo " COUNT $(count)"; echo TYPED`,
};

function blocks(): string[] {
  const [, section = ""] = SECTION.exec(readFileSync(path.join(ROOT, "docs/serving.md"), "utf8")) ?? [];
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!);
}

/** The package of this build where `npm install --global` puts it, below its prefix. Its dependencies are those of this repository. */
function packageOf(place: string): string {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", place];
  const [packed] = JSON.parse(execFileSync("npm", args, { cwd: ROOT, encoding: "utf8" })) as { filename: string }[];
  const prefix = path.join(place, "package");
  for (const directory of ["bin", "lib/node_modules/baton-mcp/node_modules"])
    mkdirSync(path.join(prefix, directory), { recursive: true });
  const at = path.join(prefix, "lib/node_modules/baton-mcp");
  execFileSync("tar", ["xzf", path.join(place, packed!.filename), "--strip-components=1", "-C", at]);
  symlinkSync("../lib/node_modules/baton-mcp/dist/baton.cjs", path.join(prefix, "bin/baton"));
  return prefix;
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "it makes a machine of its own, which needs root";
  const missing = [...POSTGRES, "/usr/sbin/nginx", "/usr/bin/script"].find((program) => !existsSync(program));
  if (missing !== undefined) return `${missing} is not installed`;
  const { status } = spawnSync("unshare", ["--mount", "--net", "true"]);
  return status === 0 ? undefined : "this machine allows no namespaces";
}

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`SKIPPED: docs/serving.md is not typed: ${reason}\n`);

test.skipIf(reason !== undefined)(
  'the lines of "A team in ten minutes" do what they say, typed one after the other on a fresh machine',
  async () => {
    const place = temporaryDirectory();
    // Others than root enter it too.
    chmodSync(place, 0o755);
    const standIns = path.join(place, "stand-ins");
    for (const directory of [standIns, path.join(place, "machine")]) mkdirSync(directory);
    const typed = blocks();
    expect(typed.length).toBe(8);
    const script = typed.map((block, n) => `echo '--- block ${n}'\n${block}\n${CHECKS[n] ?? ""}`).join("\n");
    const programs = { ...STAND_INS, typed: `${PREAMBLE}${script}` };
    for (const [name, text] of Object.entries(programs))
      writeFileSync(path.join(standIns, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
    const env = {
      ...process.env,
      PLACE: path.join(place, "machine"),
      STANDINS: standIns,
      PACKAGE: packageOf(place),
      MODULES: path.join(ROOT, "node_modules"),
    };
    const machine = spawn("unshare", ["--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", MACHINE], {
      env,
    });
    onTestFinished(() => void machine.kill("SIGKILL"));
    let output = "";
    for (const stream of [machine.stdout, machine.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    const code = await new Promise((resolve) => machine.once("close", resolve));
    expect([code, output]).toEqual([0, expect.stringContaining("TYPED")]);
    expect(output.match(/COUNT \d+/g)).toEqual(["COUNT 1", "COUNT 2", "COUNT 1", "COUNT 1"]);
    expect(output.match(/"status":"ready"/g)?.length).toBeGreaterThanOrEqual(4);
  },
  300_000,
);
