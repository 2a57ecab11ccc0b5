// What may a token do? No call says so; a dry run of an empty import changes nothing, is an editor's call, and so tells the two roles apart.
import { problemOf } from '../api/problem';

export type RoleProbe = { role: 'viewer' | 'editor' } | { problem: string };

export async function probeRole(token: string, tenant: string): Promise<RoleProbe> {
  try {
    const response = await fetch(new URL('v1/rules/import?dry_run=true', document.baseURI), {
      method: 'POST',
      body: 'rules: []\n',
      headers: { 'Content-Type': 'application/yaml', Authorization: `Bearer ${token}`, ...(tenant ? { 'X-Scope-OrgID': tenant } : {}) },
    });
    const { status } = response;
    if (status === 401 || status === 400 || status >= 500) {
      return { problem: problemOf(status, await response.json().catch(() => undefined)).message };
    }
    return { role: status === 403 ? 'viewer' : 'editor' };
  } catch (error) {
    return { problem: String(error) };
  }
}
