// Talking to the sandbox's server.

async function answer(response) {
  const text = await response.text();
  try {
    const body = JSON.parse(text);
    if (response.ok || body.error) return { ok: response.ok, ...body };
  } catch {
    // Not JSON: the status line says what there is to say.
  }
  return { ok: false, error: `HTTP ${response.status}` };
}

/** POST as JSON. Always resolves to an object; `ok: false` with `error` when anything failed. */
export async function post(path, body) {
  try {
    return await answer(
      await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
  } catch {
    return { ok: false, error: "no connection to the sandbox" };
  }
}

/** GET JSON with query parameters; undefined ones are left out. Throws when it failed. */
export async function get(path, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null);
  const query = new URLSearchParams(given).toString();
  const response = await fetch(query ? `${path}?${query}` : path);
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.json();
}
