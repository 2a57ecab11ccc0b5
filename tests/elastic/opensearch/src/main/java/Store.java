/** A real OpenSearch of one node for tests: `Store FOLDER HTTP-PORT TRANSPORT-PORT [MODULES]`. It listens on loopback only, says
 * `ready` on its standard output, and ends when its standard input does. */
import org.codelibs.opensearch.runner.OpenSearchRunner;

public final class Store {
  public static void main(String[] given) throws Exception {
    final OpenSearchRunner.Configs configs = OpenSearchRunner.newConfigs().basePath(given[0]).numOfNode(1).useLogger();
    final OpenSearchRunner runner = new OpenSearchRunner();
    runner.onBuild((number, settings) -> {
      settings.put("discovery.type", "single-node");
      settings.put("network.host", "127.0.0.1");
      settings.put("http.port", given[1]);
      settings.put("transport.port", given[2]);
      settings.putList("discovery.seed_hosts");
      settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
    }).build(given.length > 3 ? configs.moduleTypes(given[3]) : configs);
    runner.ensureYellow();
    System.out.println("ready");
    while (System.in.read() >= 0) {
      // nothing is asked here
    }
    Runtime.getRuntime().halt(0);
  }
}
