#!/bin/sh
# The packages of this very file system as SPDX 2.3, from dpkg: make-sbom.sh >sbom.spdx.json. Runs inside the image, where there is neither Python nor jq.
set -eu
created=$(date -u ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"} +%Y-%m-%dT%H:%M:%SZ)
version=$(dpkg-query -W -f '${Version}' betrace)
identity=$(dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' | sha256sum | cut -c 1-32)

cat <<END
{"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "betrace-$version",
 "documentNamespace": "https://github.com/betracehq/betrace/sbom/$version/$identity",
 "creationInfo": {"created": "$created", "creators": ["Tool: betrace-make-sbom"]},
 "packages": [
END
dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' | awk -F '\t' '
  function quoted(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); return "\"" text "\"" }
  function encoded(text) { gsub(/%/, "%25", text); gsub(/\+/, "%2B", text); gsub(/:/, "%3A", text); gsub(/~/, "~", text); return text }
  {
    id = $1; gsub(/[^A-Za-z0-9.-]/, "-", id)
    printf "%s  {\"SPDXID\": \"SPDXRef-%s\", \"name\": %s, \"versionInfo\": %s, \"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false, ", (NR > 1 ? ",\n" : ""), id, quoted($1), quoted($2)
    printf "\"licenseConcluded\": \"NOASSERTION\", \"licenseDeclared\": \"%s\", \"copyrightText\": \"NOASSERTION\", ", ($1 == "betrace" ? "MIT" : "NOASSERTION")
    printf "\"sourceInfo\": %s, ", quoted("source package " $4 " " $5)
    printf "\"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\", \"referenceLocator\": \"pkg:deb/%s/%s@%s?arch=%s\"}]}", ($1 == "betrace" ? "betrace" : "debian"), encoded($1), encoded($2), $3
  }
  END { print "" }'
cat <<END
 ],
 "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-betrace"}]}
END
