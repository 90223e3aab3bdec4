// What Kusto's language service says of queries: faults, and the columns that come out. JSON in and out.
require('@kusto/language-service-next/bridge.min.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');

const {tables, queries} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const {GlobalState, KustoCode, Symbols} = Kusto.Language;
const known = Object.entries(tables).map(([name, columns]) => new Symbols.TableSymbol.$ctor7(name, columns, null));
const workspace = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor('workspace', known));
const all = (list, what) => Array.from({length: list.Count}, (_, at) => what(list.getItem(at)));

const said = queries.map((query) => {
  const code = KustoCode.ParseAndAnalyze(query, workspace);
  const table = code.ResultType && code.ResultType.Columns;
  return {
    faults: all(code.GetDiagnostics(), (one) => one.Message),
    columns: table ? Object.fromEntries(all(table, (one) => [one.Name, one.Type.Name])) : {},
  };
});
process.stdout.write(JSON.stringify(said));
