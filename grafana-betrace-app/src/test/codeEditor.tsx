// Monaco does not run in jsdom. In a test: jest.mock('@grafana/ui', () => ({ ...jest.requireActual('@grafana/ui'), CodeEditor: require('<…>/test/codeEditor').CodeEditor }));
interface Props {
  value: string;
  readOnly?: boolean;
  monacoOptions?: { ariaLabel?: string };
  onChange?(value: string): void;
  onSave?(value: string): void;
}

export function CodeEditor({ value, readOnly, monacoOptions, onChange, onSave }: Props) {
  return (
    <textarea
      aria-label={monacoOptions?.ariaLabel}
      value={value}
      readOnly={readOnly}
      onChange={(event) => onChange?.(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.ctrlKey && event.key === 's') {
          event.preventDefault(); // as Monaco
          onSave?.(event.currentTarget.value);
        }
      }}
    />
  );
}
