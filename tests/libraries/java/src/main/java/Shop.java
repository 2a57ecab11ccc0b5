// A shop of the JDK's HTTP server and client, JDBC, Jedis and RabbitMQ's client under the OpenTelemetry Java agent: each route is a run that
// tests/libraries/record.py asks for. It writes its port, and ends when its input does. PG_URL, REDIS_URL, AMQP_URL and PARTNER_URL say where
// the others are.
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.impl.ForgivingExceptionHandler;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.common.Attributes;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import redis.clients.jedis.Jedis;

public class Shop {
  interface Run { void run() throws Exception; }
  interface Each { void run(int number) throws Exception; }
  interface Handle { void handle(Channel channel, String id) throws Exception; }

  static final String PARTNER = System.getenv("PARTNER_URL");
  static final Handle SHIP = (channel, id) -> step("shipment.create", Attributes.empty());
  static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  static HttpServer server;
  static Connection database;
  static com.rabbitmq.client.Connection broker;
  static Jedis cache;

  static void get(String url, Duration limit) throws IOException, InterruptedException {
    CLIENT.send(HttpRequest.newBuilder(URI.create(url)).timeout(limit).build(), HttpResponse.BodyHandlers.ofString());
  }

  static void partner(String path) throws Exception { get(PARTNER + path, Duration.ofSeconds(5)); }

  static void query(String text, Object... values) throws SQLException {
    try (PreparedStatement statement = database.prepareStatement(text)) {
      for (int number = 0; number < values.length; number++) statement.setObject(number + 1, values[number]);
      statement.execute();
    }
  }

  static void times(int count, Each work) throws Exception {
    for (int number = 0; number < count; number++) work.run(number);
  }

  static void step(String name, Attributes attributes) {
    GlobalOpenTelemetry.getTracer("shop").spanBuilder(name).setAllAttributes(attributes).startSpan().end();
  }

  static void transaction(Run work) throws Exception {
    database.setAutoCommit(false);
    query("INSERT INTO orders (item) VALUES (?)", "lamp");
    work.run();
    database.commit();
    database.setAutoCommit(true);
  }

  static void publish(Channel channel, String queue, String id) throws IOException {
    channel.basicPublish("", queue, new AMQP.BasicProperties.Builder().messageId(id).build(), "{}".getBytes());
  }

  static void fail() { throw new IllegalStateException("not today"); }

  // Sends a message, which comes again until it was delivered so many times, as where a consumer dies before its acknowledgement.
  static void send(int deliveries, Handle handle) throws Exception {
    CountDownLatch left = new CountDownLatch(deliveries);
    try (Channel sends = broker.createChannel(); Channel takes = broker.createChannel()) {
      sends.queueDeclare("orders", true, false, false, null);
      sends.queuePurge("orders");
      takes.basicQos(1);
      takes.basicConsume("orders", false, (tag, message) -> {
        long delivery = message.getEnvelope().getDeliveryTag();
        boolean again = left.getCount() > 1;
        try {
          handle.handle(takes, message.getProperties().getMessageId());
        } catch (Exception error) {
          throw new IllegalStateException(error);
        } finally {
          if (again) takes.basicReject(delivery, true); else takes.basicAck(delivery, false);
          left.countDown();
        }
      }, tag -> {});
      publish(sends, "orders", "a");
      left.await();
      Thread.sleep(50);
    }
  }

  static void early(int count) throws Exception {
    try (Channel channel = broker.createChannel()) {
      channel.queueDeclare("early", true, false, false, null);
      times(count, number -> publish(channel, "early", null));
    }
  }

  static void reads() throws SQLException { query("SELECT name FROM items WHERE id = ?", 1); }

  static void right() throws Exception {
    reads();
    cache.get("item:1");
    partner("/ok?item=1");
    transaction(() -> {});
    send(1, SHIP);
  }

  static void retried() throws Exception {
    partner("/flaky");
    Thread.sleep(40);
    partner("/flaky");
  }

  static void deadLetter(Channel channel, String id) throws Exception {
    channel.queueDeclare("orders-dlq", true, false, false, null);
    publish(channel, "orders-dlq", id);
    fail();
  }

  static void handsOn(Channel channel, String id) throws IOException {
    if (id.equals("a")) publish(channel, "orders", "b");
  }

  static void storm(int number) throws Exception {
    partner("/down");
    Thread.sleep(120);
  }

  static void nPlusOne() throws Exception {
    query("SELECT id FROM items");
    times(31, number -> query("SELECT name FROM items WHERE id = ?", number));
  }

  static void keepsSecurityCode() throws SQLException {
    step("payment.authorize", Attributes.empty());
    query("INSERT INTO cards (cvv) VALUES (?)", "123");
  }

  static void hidesFailure() {
    try {
      query("SELECT id FROM no_such_table");
    } catch (SQLException error) {
      // hidden: that is the run
    }
  }

  static void givesUp() throws Exception {
    try {
      get("http://127.0.0.1:" + server.getAddress().getPort() + "/works-on", Duration.ofMillis(100));
    } catch (HttpTimeoutException error) {
      Thread.sleep(1500);
    }
  }

  static void deniedThenRead() throws SQLException {
    step("authz.check", Attributes.builder().put("authz.decision", "deny").build());
    reads();
  }

  static void routes() {
    route("right", Shop::right);
    route("right-16-queries", () -> times(16, n -> query("SELECT name AS name" + n + " FROM items WHERE id = ?", n)));
    route("right-retried", Shop::retried);
    route("right-waits-for-list", () -> cache.blpop(1.1, "nothing"));
    route("right-dead-letter", () -> send(1, Shop::deadLetter));
    route("n-plus-one", Shop::nPlusOne);
    route("cache-loop", () -> times(51, n -> cache.get("item:" + n)));
    route("single-writes", () -> times(51, n -> query("INSERT INTO orders (item) VALUES (?)", "lamp")));
    route("same-host", () -> times(21, n -> partner("/ok")));
    route("not-retried", () -> partner("/down"));
    route("hammer", () -> times(5, n -> partner("/limited")));
    route("retry-storm", () -> times(5, Shop::storm));
    route("secret-in-url", () -> {});
    route("secret-in-call", () -> partner("/ok?api_key=abc"));
    route("card-in-url", () -> {});
    route("plain-http", () -> get(PARTNER.replace("127.0.0.1", "0.0.0.0") + "/ok", Duration.ofSeconds(5)));
    route("drop", () -> query("DROP TABLE IF EXISTS tmpx"));
    route("card-in-query", () -> query("SELECT 1 WHERE '4111111111111111' = '2'"));
    route("password-in-query", () -> query("SELECT id FROM users WHERE password = 'hunter2'"));
    route("security-code", Shop::keepsSecurityCode);
    route("hidden-failure", Shop::hidesFailure);
    route("slow-query", () -> query("SELECT pg_sleep(1.1)"));
    route("slow-request", () -> Thread.sleep(5100));
    route("large-response", () -> {});
    route("gave-up", Shop::givesUp);
    route("works-on", () -> Thread.sleep(1400));
    route("sent-before-commit", () -> transaction(() -> early(1)));
    route("processed-twice", () -> send(2, SHIP));
    route("processed-four-times", () -> send(4, (channel, id) -> fail()));
    route("no-dead-letter", () -> send(1, (channel, id) -> fail()));
    route("loop", () -> send(1, Shop::handsOn));
    route("fan-out", () -> early(101));
    route("denied-then-read", Shop::deniedThenRead);
    route("admin/unchecked", () -> {});
    route("admin/right", () -> step("authz.check", Attributes.empty()));
    route("fails", Shop::fail);
  }

  static void route(String name, Run run) {
    byte[] answer = name.equals("large-response") ? new byte[11 << 20] : "ok".getBytes();
    server.createContext("/" + name, exchange -> {
      try {
        run.run();
        answer(exchange, 200, answer);
      } catch (Exception error) {
        error.printStackTrace();
        answer(exchange, 500, "broken".getBytes());
      }
    });
  }

  static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  // The first request loads classes, which takes seconds on a busy machine. It has another root than a run, so the recorder leaves it out.
  static void warmUp() throws Exception {
    get("http://127.0.0.1:" + server.getAddress().getPort() + "/right", Duration.ofSeconds(60));
  }

  public static void main(String[] arguments) throws Exception {
    URI postgres = URI.create(System.getenv("PG_URL"));
    database = DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + postgres.getPort() + postgres.getPath(), postgres.getUserInfo(), "");
    cache = new Jedis(URI.create(System.getenv("REDIS_URL")));
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(System.getenv("AMQP_URL"));
    factory.setExceptionHandler(new ForgivingExceptionHandler());
    broker = factory.newConnection();
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    routes();
    server.start();
    warmUp();
    System.out.println(server.getAddress().getPort());
    while (System.in.read() >= 0) continue;
    System.exit(0);
  }
}
