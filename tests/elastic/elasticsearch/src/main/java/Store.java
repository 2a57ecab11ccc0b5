/** A real Elasticsearch of one node for tests: `Store FOLDER HTTP-PORT TRANSPORT-PORT`. It listens on loopback only, says
 * `ready` on its standard output, and ends when its standard input does. Its jars are of a newer Java than compiles
 * this, so they are called by name; and its node of tests begins within a JUnit test alone. */
import com.carrotsearch.randomizedtesting.RandomizedRunner;
import com.carrotsearch.randomizedtesting.annotations.ThreadLeakScope;
import com.carrotsearch.randomizedtesting.annotations.Timeout;
import com.carrotsearch.randomizedtesting.annotations.TimeoutSuite;
import java.util.Collection;
import java.util.List;
import org.junit.Test;
import org.junit.runner.JUnitCore;
import org.junit.runner.RunWith;
import org.junit.runner.notification.Failure;

@RunWith(RandomizedRunner.class)
@ThreadLeakScope(ThreadLeakScope.Scope.NONE)
@TimeoutSuite(millis = 0)
public class Store {
  private static String[] given;

  private static Object settings() throws Exception {
    final Class<?> settings = Class.forName("org.elasticsearch.common.settings.Settings");
    final Object builder = settings.getMethod("builder").invoke(null);
    final String[][] pairs = {{"path.home", given[0]}, {"cluster.name", "tests"}, {"node.name", "one"},
        {"network.host", "127.0.0.1"}, {"http.port", given[1]}, {"transport.port", given[2]},
        {"transport.type", "netty4"}, {"http.type", "netty4"}, {"discovery.type", "single-node"},
        {"cluster.routing.allocation.disk.threshold_enabled", "false"}};
    for (String[] pair : pairs)
      builder.getClass().getMethod("put", String.class, String.class).invoke(builder, pair[0], pair[1]);
    return builder.getClass().getMethod("build").invoke(builder);
  }

  @Test
  @Timeout(millis = 0)
  public void run() throws Exception {
    final Class<?> plugin = Class.forName("org.elasticsearch.transport.netty4.Netty4Plugin");
    final Class<?> node = Class.forName("org.elasticsearch.node.MockNode");
    final Object settings = settings();
    final Object started = node.getConstructor(settings.getClass(), Collection.class).newInstance(settings, List.of(plugin));
    node.getMethod("start").invoke(started);
    System.out.println("ready");
    while (System.in.read() >= 0) {
      // nothing is asked here
    }
    Runtime.getRuntime().halt(0);
  }

  public static void main(String[] arguments) throws Exception {
    given = arguments;
    Class.forName("org.elasticsearch.common.logging.LogConfigurator").getMethod("configureESLogging").invoke(null);
    for (Failure failure : JUnitCore.runClasses(Store.class).getFailures()) System.err.println(failure.getTrace());
    System.exit(1);
  }
}
