// What a pack is called and about, in words. The key is its name. No state.
import { t } from '@grafana/i18n';

export interface PackWords {
  title: string;
  about: string;
}

export function packWords(name: string): PackWords | undefined {
  switch (name) {
    case 'otel-hygiene':
      return { title: t('packs.hygiene', 'Telemetry hygiene'), about: t('packs.hygiene-about', 'What makes dashboards, alerts and other rules wrong without anybody noticing.') };
    case 'sre-reliability':
      return { title: t('packs.reliability', 'Reliability'), about: t('packs.reliability-about', 'Time limits, retries, and failures that nobody notices.') };
    case 'n-plus-one':
      return { title: t('packs.nplus1', 'N+1 and fan-out'), about: t('packs.nplus1-about', 'A loop that asks for one thing at a time.') };
    case 'security':
      return { title: t('packs.security', 'Security'), about: t('packs.security-about', 'Who was let in, what left the house, and what is in clear text.') };
    case 'messaging':
      return { title: t('packs.messaging', 'Messaging'), about: t('packs.messaging-about', 'Queues and streams: lost, repeated and old messages.') };
    case 'ai-agents':
      return { title: t('packs.agents', 'AI agents'), about: t('packs.agents-about', 'Agents and language models: loops, tools without approval, guardrails that were passed over.') };
    case 'payments':
      return { title: t('packs.payments', 'Payments'), about: t('packs.payments-about', 'Money: what has to happen before, after and never. Spans are found by name; put your names in.') };
    case 'soc2':
      return { title: t('packs.soc2', 'SOC 2'), about: t('packs.soc2-about', 'Evidence for criteria of SOC 2. Spans are found by name; put your names in.') };
    case 'pci':
      return { title: t('packs.pci', 'PCI DSS 4.0'), about: t('packs.pci-about', 'Evidence for PCI DSS, as far as traces can give it. Spans are found by name; put your names in.') };
    case 'hipaa':
      return { title: t('packs.hipaa', 'HIPAA'), about: t('packs.hipaa-about', 'Evidence for the security rule and the privacy rule. Spans are found by name; put your names in.') };
    default:
      return undefined;
  }
}
