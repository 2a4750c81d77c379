/*
 * A shell over one JDBC connection: each line of the input is a statement, each line of the output its answer as JSON. So a test
 * that runs elsewhere can say when to do what, and the driver decides alone which host it talks to.
 *
 *   java -cp connector.jar JdbcShell.java URL
 *
 * Besides statements: \isValid, \autocommit on, \autocommit off, \commit, \rollback, \timeout (a second,
 * for all statements from then on).
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

public class JdbcShell {
  private static final int VALID_SECONDS = 5;

  private static int timeoutSeconds = 0;

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (Connection connection = DriverManager.getConnection(arguments[0], "root", "")) {
      out.println("{\"ok\":true}");
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        try {
          out.println(answer(connection, line));
        } catch (SQLException error) {
          out.println(failure(error));
        }
      }
    } catch (SQLException error) {
      out.println(failure(error));
    }
  }

  private static String answer(Connection connection, String line) throws SQLException {
    switch (line) {
      case "\\isValid":
        return "{\"ok\":true,\"valid\":" + connection.isValid(VALID_SECONDS) + "}";
      case "\\autocommit on":
        connection.setAutoCommit(true);
        return "{\"ok\":true}";
      case "\\autocommit off":
        connection.setAutoCommit(false);
        return "{\"ok\":true}";
      case "\\commit":
        connection.commit();
        return "{\"ok\":true}";
      case "\\rollback":
        connection.rollback();
        return "{\"ok\":true}";
      case "\\timeout":
        timeoutSeconds = 1;
        return "{\"ok\":true}";
      default:
        try (Statement statement = connection.createStatement()) {
          statement.setQueryTimeout(timeoutSeconds);
          return statement.execute(line) ? rows(statement) : count(statement);
        }
    }
  }

  private static String rows(Statement statement) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (ResultSet result = statement.getResultSet()) {
      int columns = result.getMetaData().getColumnCount();
      while (result.next()) {
        List<String> cells = new ArrayList<>();
        for (int column = 1; column <= columns; column += 1) {
          String cell = result.getString(column);
          cells.add(cell == null ? "null" : quoted(cell));
        }
        rows.add("[" + String.join(",", cells) + "]");
      }
    }
    return "{\"ok\":true,\"rows\":[" + String.join(",", rows) + "]}";
  }

  private static String count(Statement statement) throws SQLException {
    List<String> warnings = new ArrayList<>();
    for (SQLWarning each = statement.getWarnings(); each != null; each = each.getNextWarning()) {
      warnings.add(quoted(each.getErrorCode() + " " + each.getMessage()));
    }
    return "{\"ok\":true,\"count\":" + statement.getUpdateCount() + ",\"warnings\":["
        + String.join(",", warnings) + "]}";
  }

  /** With all the classes that the error is of: what a catch clause can go by. */
  private static String failure(SQLException error) {
    List<String> classes = new ArrayList<>();
    for (Class<?> each = error.getClass(); each != Exception.class; each = each.getSuperclass()) {
      classes.add(quoted(each.getName()));
    }
    return "{\"ok\":false,\"errno\":" + error.getErrorCode() + ",\"sqlState\":"
        + (error.getSQLState() == null ? "null" : quoted(error.getSQLState()))
        + ",\"classes\":[" + String.join(",", classes) + "],\"message\":"
        + quoted(String.valueOf(error.getMessage())) + "}";
  }

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (int index = 0; index < text.length(); index += 1) {
      char letter = text.charAt(index);
      if (letter == '"' || letter == '\\') json.append('\\').append(letter);
      else if (letter < ' ') json.append(String.format("\\u%04x", (int) letter));
      else json.append(letter);
    }
    return json.append('"').toString();
  }
}
