// The packs that come with BeTrace (distribution/packs), the same files that the command line reads. They are a chunk of their own, fetched where
// packs are offered. No state.
import aiAgents from '../../../distribution/packs/ai-agents.yaml';
import hipaa from '../../../distribution/packs/hipaa.yaml';
import messaging from '../../../distribution/packs/messaging.yaml';
import nPlusOne from '../../../distribution/packs/n-plus-one.yaml';
import otelHygiene from '../../../distribution/packs/otel-hygiene.yaml';
import payments from '../../../distribution/packs/payments.yaml';
import pci from '../../../distribution/packs/pci.yaml';
import security from '../../../distribution/packs/security.yaml';
import soc2 from '../../../distribution/packs/soc2.yaml';
import reliability from '../../../distribution/packs/sre-reliability.yaml';
import type { Severity } from '../api/types';

export interface PackRule {
  id: string;
  name: string;
  description: string;
  severity: Severity;
  labels: Record<string, string>;
  dsl: string;
}

export interface Pack {
  name: string;
  rules: PackRule[];
}

/** Those that ask for OpenTelemetry's own names first: they say something of traces that nobody prepared. */
export const PACKS: readonly Pack[] = [otelHygiene, reliability, nPlusOne, security, messaging, aiAgents, payments, soc2, pci, hipaa];

/** By the names of the service's catalogues, which are not always those that a rule's text has. */
export const PACK_OF_FRAMEWORK: Readonly<Record<string, Pack>> = { SOC2: soc2, 'PCI-DSS-4': pci, HIPAA: hipaa };
