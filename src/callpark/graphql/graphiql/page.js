// GraphiQL beside AppSync's ways in: who one is, and subscriptions through AppSync's real-time protocol.
// https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html
(function () {
  'use strict';

  const api = JSON.parse(document.getElementById('callpark').textContent);
  const mode = document.getElementById('mode');
  const credential = document.getElementById('credential');
  const placeholders = {
    API_KEY: 'x-api-key',
    AMAZON_COGNITO_USER_POOLS: 'a token: callpark auth token --user NAME',
    OPENID_CONNECT: "a token of the API's issuer",
    AWS_LAMBDA: "what the API's authorizer is to be shown",
  };
  const stored = (name) => `callpark ${api.id} ${name}`;

  for (const name of api.modes) {
    const option = new Option(name === 'AWS_IAM' ? 'AWS_IAM (browsers do not sign)' : name, name);
    option.disabled = name === 'AWS_IAM';
    mode.add(option);
  }
  for (const other of api.others) {
    const link = document.createElement('a');
    link.href = other.path;
    link.textContent = other.name;
    document.getElementById('apis').append(link, ' ');
  }

  function show() {
    credential.value = sessionStorage.getItem(stored(mode.value)) ?? (mode.value === 'API_KEY' ? api.key ?? '' : '');
    credential.placeholder = placeholders[mode.value] ?? '';
  }

  function headers() {
    return mode.value === 'API_KEY' ? { 'x-api-key': credential.value } : { Authorization: credential.value };
  }

  async function ask(request, more) {
    const response = await fetch(api.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers(), ...more },
      body: JSON.stringify(request),
    });
    return response.json();
  }

  function listen(request, more) {
    return { subscribe: (observer) => ({ unsubscribe: subscription(request, more, observer) }) };
  }

  // Returns what ends it.
  function subscription(request, more, observer) {
    const authorization = { host: location.host, ...headers(), ...more };
    const utf8 = new TextEncoder().encode(JSON.stringify(authorization));
    const header = btoa(String.fromCharCode(...utf8)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const url = new URL(`${api.path}/realtime`, location.href.replace(/^http/, 'ws'));
    const socket = new WebSocket(url, ['graphql-ws', `header-${header}`]);
    const say = (frame) => socket.send(JSON.stringify(frame));
    let over = false;
    const end = (tell) => {
      if (over) return;
      over = true;
      tell?.();
      socket.close();
    };
    const heard = {
      connection_ack: () => say({
        id: '1', type: 'start', payload: { data: JSON.stringify(request), extensions: { authorization } },
      }),
      data: (frame) => observer.next(frame.payload),
      complete: () => end(() => observer.complete()),
      error: (frame) => end(() => observer.error(frame.payload)),
      connection_error: (frame) => end(() => observer.error(frame.payload)),
    };
    socket.onopen = () => say({ type: 'connection_init' });
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (!over) heard[frame.type]?.(frame);
    };
    socket.onclose = ({ code, reason }) => end(() => observer.error({ message: `closed: ${code} ${reason}` }));
    return () => end();
  }

  // From the text: the syntax tree that GraphiQL offers is that of a moment ago.
  function subscribes({ query, operationName }) {
    let depth = 0;
    const outside = query.replace(/"""[^]*?"""|"(?:\\.|[^"\\])*"|#[^\n]*/g, '').replace(/[^]/g, (character) => {
      if ('({['.includes(character)) depth += 1;
      if (')}]'.includes(character)) depth -= 1;
      return depth ? ' ' : character;
    });
    const operations = [...outside.matchAll(/\b(query|mutation|subscription)\b\s*(\w*)/g)];
    const meant = operations.find(([, , name]) => !operationName || name === operationName);
    return meant?.[1] === 'subscription';
  }

  function fetcher(request, options) {
    const more = options?.headers ?? {};
    return subscribes(request) ? listen(request, more) : ask(request, more);
  }

  const root = ReactDOM.createRoot(document.getElementById('graphiql'));
  let shown = 0;
  function draw() {
    root.render(React.createElement(GraphiQL, {
      key: shown += 1, // another caller may see another schema
      fetcher,
      defaultQuery: `# ${api.name}: queries, mutations and subscriptions\n`,
      storage: namespaced(),
    }));
  }

  // Several APIs share one origin.
  function namespaced() {
    const prefix = stored('graphiql ');
    return {
      getItem: (name) => localStorage.getItem(prefix + name),
      setItem: (name, value) => localStorage.setItem(prefix + name, value),
      removeItem: (name) => localStorage.removeItem(prefix + name),
      clear: () => Object.keys(localStorage).filter((each) => each.startsWith(prefix)).forEach((each) => localStorage.removeItem(each)),
      get length() { return Object.keys(localStorage).filter((each) => each.startsWith(prefix)).length; },
    };
  }

  mode.onchange = show;
  document.getElementById('authorization').onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(stored(mode.value), credential.value);
    draw();
  };
  show();
  draw();
})();
