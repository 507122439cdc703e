// Creates the replica set of docker-compose.yml or Kubernetes and its users, as ops/replica_set.py does for a native system. If the
// set exists, it only waits: with UNTIL=complete until all members hold the data. In the container or network of a member, in the
// first one while the set is new, MongoDB's localhost exception applies; elsewhere mongosh logs in with the key of the members
// (MONGODB_KEY).
const server = process.env.SERVER || '127.0.0.1:27017';
const key = process.env.MONGODB_KEY;
const members = process.env.MEMBERS.split(',');
const adminPassword = process.env.MONGODB_ADMIN_PASSWORD;
const password = process.env.MONGODB_PASSWORD;
const monitorPassword = process.env.MONGODB_MONITOR_PASSWORD;
const deadline = Date.now() + 60_000;

const ALREADY_INITIALIZED = 23;
const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = 18;
const PRIMARY = 1;
const SECONDARY = 2;
// As in ops/replica_set.py.
const SETTINGS = { heartbeatIntervalMillis: 300, electionTimeoutMillis: 1500, catchUpTimeoutMillis: 100 };

function adminDatabase(user, pwd) {
  let login = user ? `${user}:${pwd}@` : '';
  let source = 'admin';
  if (!user && key) {
    login = `__system:${encodeURIComponent(key)}@`;
    source = 'local';
  }
  return new Mongo(`mongodb://${login}${server}/?directConnection=true&authSource=${source}`).getDB('admin');
}

function initiate() {
  try {
    adminDatabase().adminCommand({
      replSetInitiate: {
        _id: 'rs0',
        // Users are created through the first member, so it must become the first primary.
        members: members.map((host, _id) => ({ _id, host, priority: _id === 0 ? 2 : 1 })),
        settings: SETTINGS,
      },
    });
  } catch (error) {
    if (![ALREADY_INITIALIZED, UNAUTHORIZED].includes(error.code)) throw error;
  }
}

function canLogIn(user, pwd) {
  try {
    adminDatabase(user, pwd);
    return true;
  } catch (error) {
    if (error.code !== AUTHENTICATION_FAILED) throw error;
    return false;
  }
}

function ensureUser(name, pwd, ...roles) {
  if (canLogIn(name, pwd)) return;
  const admin = adminDatabase('admin', adminPassword);
  if (admin.getUser(name)) admin.updateUser(name, { pwd, roles });
  else admin.createUser({ user: name, pwd, roles });
}

// Gives a set of an earlier version the settings of this one. With unequal priorities the first member would take over again
// after each of its restarts, by an election more.
function ensureConfig() {
  const admin = adminDatabase('admin', adminPassword);
  const { config } = admin.adminCommand({ replSetGetConfig: 1 });
  const isSet = Object.entries(SETTINGS).every(([name, value]) => config.settings[name] === value);
  if (isSet && config.members.every((member) => member.priority === 1)) return;
  for (const member of config.members) member.priority = 1;
  Object.assign(config.settings, SETTINGS);
  config.version += 1;
  admin.adminCommand({ replSetReconfig: config });
}

function ensureUsers() {
  if (!canLogIn('admin', adminPassword)) {
    adminDatabase().createUser({ user: 'admin', pwd: adminPassword, roles: ['root'] });
  }
  ensureUser('jornada', password, { role: 'readWrite', db: 'jornada' });
  ensureUser('monitor', monitorPassword, { role: 'clusterMonitor', db: 'admin' }, { role: 'read', db: 'local' });
}

function isComplete() {
  const states = adminDatabase('admin', adminPassword).adminCommand({ replSetGetStatus: 1 }).members.map((member) => member.state);
  return states.every((state) => state === PRIMARY || state === SECONDARY);
}

function isDone() {
  if (process.env.UNTIL === 'complete') return isComplete();
  initiate();
  const hello = adminDatabase().hello();
  // If another member is primary, the set is not new and its users exist.
  if (hello.isWritablePrimary) {
    ensureUsers();
    ensureConfig();
  }
  return hello.isWritablePrimary || Boolean(hello.primary && canLogIn('jornada', password));
}

let last;
for (;;) {
  try {
    if (isDone()) quit(0);
  } catch (error) {
    last = error;
  }
  if (Date.now() > deadline) {
    print(`the replica set is not ready after 60 s: ${last}`);
    quit(1);
  }
  sleep(500);
}
